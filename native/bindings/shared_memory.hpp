// Buffers in memfds: copies for the sandbox, arrays that live in one, and mappings of what a sandbox sent.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "ipc/descriptor.hpp"
#include "ipc/mapping.hpp"

namespace dcp::bindings {

/// A memfd with a copy of the bytes, sealed against every change; the descriptor is read-only.
/// Throws std::system_error.
ipc::Descriptor copy_to_memfd(const void* data, std::size_t size);

/// The descriptor comes from a sandbox: it must be ordinary shared memory, sealed against writing, shrinking and
/// growing, and hold offset + size bytes. Throws ipc::FrameError where it is not so, std::system_error.
void check_sealed(int fd, std::uint64_t offset, std::uint64_t size);

/// Reads all of it from there. Throws std::system_error.
void read_all(int fd, std::uint64_t offset, std::span<char> into);

/// A part of a sealed memfd, mapped privately: writes stay in this process. All of them together take a quarter of the
/// mappings that the kernel allows a process.
class SealedMapping {
 public:
  /// Throws as check_sealed, and std::system_error with ENOMEM where they are used up.
  SealedMapping(int fd, std::uint64_t offset, std::uint64_t size);
  SealedMapping(const SealedMapping&) = delete;
  SealedMapping& operator=(const SealedMapping&) = delete;
  ~SealedMapping();

  std::byte* data() const { return mapping_.data(); }
  std::size_t size() const { return mapping_.size(); }

 private:
  ipc::Mapping mapping_;
};

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
