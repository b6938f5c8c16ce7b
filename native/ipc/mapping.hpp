// A part of a file in memory, unmapped at the end of its scope.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

namespace dcp::ipc {

/// What this process may do with the bytes, and whether others see it.
enum class Access {
  read,          ///< all pages are brought in at once
  private_copy,  ///< writes stay in this process
  shared,        ///< writes change the file
};

class Mapping {
 public:
  Mapping() = default;
  /// Maps `size` bytes from `offset` on. The file must have them, and must not shrink while it is mapped.
  /// Throws std::system_error.
  Mapping(int fd, std::uint64_t offset, std::size_t size, Access access = Access::read);
  Mapping(Mapping&& other) noexcept : bytes_(std::exchange(other.bytes_, {})) {}
  Mapping& operator=(Mapping&& other) noexcept {
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  ~Mapping();

  std::span<const std::byte> bytes() const { return bytes_; }
  std::byte* data() const { return bytes_.data(); }
  std::size_t size() const { return bytes_.size(); }
  /// Hands the bytes over, to be given to unmap().
  std::byte* release() { return std::exchange(bytes_, {}).data(); }

 private:
  std::span<std::byte> bytes_;
};

/// Unmaps what a mapping released.
void unmap(void* data, std::size_t size);

/// Brings the pages of mapped bytes in at once, which takes less time than one by one when they are read. A hint.
void bring_in(std::span<const std::byte> bytes);

}  // namespace dcp::ipc
