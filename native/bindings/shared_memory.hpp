// Buffers in memfds: copies for the sandbox, arrays that live in one, and mappings of what a sandbox sent.
#pragma once

#include <cstddef>
#include <cstdint>

#include "file_descriptor.hpp"

namespace dcp::bindings {

/// A memfd with a copy of the bytes, sealed against every change; the descriptor is read-only.
/// Throws std::system_error.
FileDescriptor copy_to_memfd(const void* data, std::size_t size);

/// Owns a mapping; unmaps it at the end.
class Mapping {
 public:
  Mapping() = default;
  Mapping(void* address, std::size_t length, std::size_t offset, std::size_t size)
      : address_(address), length_(length), offset_(offset), size_(size) {}
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;
  Mapping(Mapping&& other) noexcept;
  Mapping& operator=(Mapping&&) = delete;
  ~Mapping();

  std::byte* data() const { return static_cast<std::byte*>(address_) + offset_; }
  std::size_t size() const { return size_; }

 private:
  void* address_ = nullptr;
  std::size_t length_ = 0;
  std::size_t offset_ = 0;
  std::size_t size_ = 0;
};

/// Maps a part of a memfd privately (writes stay in this process). The descriptor comes from a sandbox: it must be
/// ordinary shared memory, sealed against writing, shrinking and growing, and hold offset + size bytes.
/// Throws FrameError for a descriptor that is not so, std::system_error for a failed system call.
Mapping map_sealed(int fd, std::uint64_t offset, std::uint64_t size);

/// Zeroed memory in a memfd that this process may write and others, through descriptor(), only read.
class SharedMemory {
 public:
  explicit SharedMemory(std::size_t size);
  int descriptor() const { return read_only_.get(); }
  std::byte* data() const { return mapping_.data(); }
  std::size_t size() const { return mapping_.size(); }

 private:
  SharedMemory(FileDescriptor memory, std::size_t size);
  Mapping mapping_;
  FileDescriptor read_only_;
};

}  // namespace dcp::bindings
