// A part of a file in memory, read-only, unmapped at the end of its scope.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

namespace dcp::ipc {

class Mapping {
 public:
  Mapping() = default;
  /// Maps `size` bytes from `offset` on, a multiple of the page size, and all of their pages at once. The file must not
  /// shrink while it is mapped. Throws std::system_error.
  Mapping(int fd, std::uint64_t offset, std::size_t size);
  Mapping(Mapping&& other) noexcept : bytes_(std::exchange(other.bytes_, {})) {}
  Mapping& operator=(Mapping&& other) noexcept {
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  ~Mapping();

  std::span<const std::byte> bytes() const { return bytes_; }

 private:
  std::span<const std::byte> bytes_;
};

/// Brings the pages of mapped bytes in at once, which takes less time than one by one when they are read. A hint.
void bring_in(std::span<const std::byte> bytes);

}  // namespace dcp::ipc
