// MessagePack, the part that frames use: bytes only, no engine. (Specification: msgpack/spec.md.)
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace dcp::runtime::msgpack {

/// Malformed or truncated input.
struct Malformed : std::runtime_error {
  using std::runtime_error::runtime_error;
};

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

enum class Type { nil, boolean, integer, unsigned_integer, float64, string, binary, array, map, extension };

/// One item; containers give their count, and their items follow.
struct Item {
  Type type = Type::nil;
  bool boolean = false;
  std::int64_t integer = 0;
  std::uint64_t unsigned_integer = 0;
  double number = 0;
  std::span<const std::byte> data;  ///< of string, binary, extension: points into the input
  std::size_t count = 0;            ///< items of an array, pairs of a map
  std::int8_t extension = 0;
};

class Reader {
 public:
  explicit Reader(std::span<const std::byte> input) : input_(input) {}
  /// Throws Malformed. A count that the rest of the input cannot hold is refused here.
  Item next();
  /// Bytes taken so far.
  std::size_t position() const { return position_; }
  bool at_end() const { return position_ == input_.size(); }

 private:
  template <typename T>
  T big_endian();
  std::span<const std::byte> take(std::size_t size);
  Item sized(Type type, std::size_t size);
  Item counted(Type type, std::size_t count);
  Item extended(std::size_t size);
  Item integer(std::int64_t value);

  std::span<const std::byte> input_;
  std::size_t position_ = 0;
};

}  // namespace dcp::runtime::msgpack
