// Buffers in memfds: copies for the sandbox, arrays that live in one, and mappings of what a sandbox sent.
#pragma once

#include <cstddef>
#include <cstdint>

#include "ipc/descriptor.hpp"
#include "ipc/mapping.hpp"

namespace dcp::bindings {

/// A memfd with a copy of the bytes, sealed against every change; the descriptor is read-only.
/// Throws std::system_error.
ipc::Descriptor copy_to_memfd(const void* data, std::size_t size);

/// Maps a part of a memfd privately (writes stay in this process). The descriptor comes from a sandbox: it must be
/// ordinary shared memory, sealed against writing, shrinking and growing, and hold offset + size bytes.
/// Throws ipc::FrameError for a descriptor that is not so, std::system_error for a failed system call.
ipc::Mapping map_sealed(int fd, std::uint64_t offset, std::uint64_t size);

/// Zeroed memory in a memfd that this process may write and others, through descriptor(), only read.
class SharedMemory {
 public:
  explicit SharedMemory(std::size_t size);
  int descriptor() const { return read_only_.get(); }
  std::byte* data() const { return mapping_.data(); }
  std::size_t size() const { return mapping_.size(); }

 private:
  SharedMemory(const ipc::Descriptor& memory, std::size_t size);
  ipc::Mapping mapping_;
  ipc::Descriptor read_only_;
};

}  // namespace dcp::bindings
