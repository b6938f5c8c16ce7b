// Writes MessagePack, the part that frames use. (Specification: msgpack/spec.md.)
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace dcp::msgpack {

class Writer {
 public:
  void nil() { byte(0xc0); }
  void boolean(bool value) { byte(value ? 0xc3 : 0xc2); }
  void integer(std::int64_t value);
  void float64(double value);
  void string(std::string_view utf8);
  void binary(std::span<const std::byte> data);
  void array(std::size_t count);
  void map(std::size_t count);
  /// Header of an extension; `size` bytes follow with raw().
  void extension(std::int8_t type, std::size_t size);
  void raw(const void* data, std::size_t size);
  void byte(unsigned value) { bytes_.push_back(static_cast<std::byte>(value)); }

  std::vector<std::byte>& bytes() { return bytes_; }

 private:
  template <typename T>
  void big_endian(T value);

  std::vector<std::byte> bytes_;
};

}  // namespace dcp::msgpack
