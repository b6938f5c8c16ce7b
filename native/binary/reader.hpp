// Reads the binary format of WebAssembly.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace dcp::binary {

/// Never leaves its bytes. What is malformed or past the end reads as zeros, and sets `failed`.
class Reader {
 public:
  explicit Reader(std::span<const std::byte> bytes) : bytes_(bytes) {}

  bool failed() const { return failed_; }
  bool done() const { return failed_ || bytes_.empty(); }
  std::span<const std::byte> rest() const { return bytes_; }
  const std::byte* position() const { return bytes_.data(); }

  void fail() { failed_ = true; }

  std::uint8_t byte() {
    if (done()) {
      failed_ = true;
      return 0;
    }
    const auto value = static_cast<std::uint8_t>(bytes_.front());
    bytes_ = bytes_.subspan(1);
    return value;
  }

  /// LEB128 of an unsigned number of 32 bits.
  std::uint32_t number() {
    std::uint64_t value = 0;
    for (int shift = 0; shift < 35; shift += 7) {
      const std::uint8_t next = byte();
      value |= static_cast<std::uint64_t>(next & 0x7F) << shift;
      if ((next & 0x80) != 0) continue;
      if (value > UINT32_MAX) break;
      return static_cast<std::uint32_t>(value);
    }
    failed_ = true;
    return 0;
  }

  /// LEB128 of an unsigned number of 64 bits.
  std::uint64_t long_number() {
    std::uint64_t value = 0;
    for (int shift = 0; shift < 70; shift += 7) {
      const std::uint8_t next = byte();
      value |= static_cast<std::uint64_t>(next & 0x7F) << (shift & 63);
      if ((next & 0x80) == 0) return value;
    }
    failed_ = true;
    return 0;
  }

  /// LEB128 of a number of at most 64 bits, whatever it is.
  void skip_number() {
    for (int size = 0; size < 10; ++size) {
      if ((byte() & 0x80) == 0) return;
    }
    failed_ = true;
  }

  std::span<const std::byte> take(std::size_t size) {
    if (failed_ || size > bytes_.size()) {
      failed_ = true;
      return {};
    }
    const auto part = bytes_.first(size);
    bytes_ = bytes_.subspan(size);
    return part;
  }

  std::string_view name() {
    const auto part = take(number());
    return {reinterpret_cast<const char*>(part.data()), part.size()};
  }

 private:
  std::span<const std::byte> bytes_;
  bool failed_ = false;
};

}  // namespace dcp::binary
