// Writes the binary format of WebAssembly.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace dcp::binary {

class Writer {
 public:
  std::span<const std::byte> bytes() const { return bytes_; }
  std::vector<std::byte> take() { return std::move(bytes_); }

  void byte(std::uint8_t value) { bytes_.push_back(std::byte{value}); }
  void raw(std::span<const std::byte> bytes) { bytes_.insert(bytes_.end(), bytes.begin(), bytes.end()); }

  /// LEB128 of an unsigned number.
  void number(std::uint32_t value) {
    for (; value >= 0x80; value >>= 7) byte(static_cast<std::uint8_t>(value | 0x80));
    byte(static_cast<std::uint8_t>(value));
  }

  /// LEB128 of a signed number that is not negative: a type index, where a block type stands.
  void type_index(std::uint32_t value) {
    for (; value >= 0x40; value >>= 7) byte(static_cast<std::uint8_t>(value | 0x80));
    byte(static_cast<std::uint8_t>(value));
  }

  /// A vector of bytes: its size, then itself.
  void sized(std::span<const std::byte> bytes) {
    number(static_cast<std::uint32_t>(bytes.size()));
    raw(bytes);
  }

 private:
  std::vector<std::byte> bytes_;
};

}  // namespace dcp::binary
