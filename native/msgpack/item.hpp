// One item of MessagePack at the start of some bytes. (Specification: msgpack/spec.md.)
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <stdexcept>

namespace dcp::msgpack {

using Bytes = std::span<const std::uint8_t>;

/// Bytes that are no MessagePack, or not what frames may hold of it.
struct Malformed : std::runtime_error {
  using std::runtime_error::runtime_error;
};

enum class Type : std::uint8_t { nil, boolean, integer, unsigned_integer, real, text, binary, array, map, extension };

/// `size`: bytes of a text, a binary or an extension, which follow the item; items of an array, pairs of a map.
struct Item {
  Type type = Type::nil;
  std::int8_t extension = 0;
  std::size_t size = 0;
  union {
    std::int64_t integer = 0;
    std::uint64_t unsigned_integer;
    double real;
  };

  bool has_bytes() const { return type == Type::text || type == Type::binary || type == Type::extension; }
};

class Reader {
 public:
  explicit Reader(Bytes input) : at_(input.data()), end_(input.data() + input.size()) {}
  explicit Reader(std::span<const std::byte> input)
      : Reader(Bytes(reinterpret_cast<const std::uint8_t*>(input.data()), input.size())) {}

  /// Without the bytes that follow it, which are to be taken before the next one. Sizes and counts that the input
  /// cannot hold are refused. Throws Malformed.
  Item next();

  /// The bytes of the item that next() gave, if it has any.
  Bytes take(const Item& item) {
    const Bytes bytes(at_, item.has_bytes() ? item.size : 0);
    at_ += bytes.size();
    return bytes;
  }

  const std::uint8_t* position() const { return at_; }
  bool at_end() const { return at_ == end_; }

 private:
  std::size_t left() const { return static_cast<std::size_t>(end_ - at_); }
  [[noreturn]] static void cut_short() { throw Malformed("it is cut short"); }

  template <typename T>
  T number() {
    if (left() < sizeof(T)) cut_short();
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < sizeof(T); ++i) value = value << 8 | at_[i];
    at_ += sizeof(T);
    return static_cast<T>(value);
  }

  Item sized(Type type, std::size_t size) {
    if (left() < size) cut_short();
    Item item;
    item.type = type;
    item.size = size;
    return item;
  }

  Item extension(std::size_t size) {
    const auto code = number<std::int8_t>();
    Item item = sized(Type::extension, size);
    item.extension = code;
    return item;
  }

  static Item integer(std::int64_t value) {
    Item item;
    item.type = Type::integer;
    item.integer = value;
    return item;
  }

  static Item real(double value) {
    Item item;
    item.type = Type::real;
    item.real = value;
    return item;
  }

  Item after(std::uint8_t tag);

  const std::uint8_t* at_;
  const std::uint8_t* end_;
};

inline Item Reader::next() {
  const auto tag = number<std::uint8_t>();
  if (tag < 0x80) return integer(tag);
  if (tag >= 0xe0) return integer(static_cast<std::int8_t>(tag));
  if (tag < 0x90) return sized(Type::map, tag & 0x0fU);
  if (tag < 0xa0) return sized(Type::array, tag & 0x0fU);
  if (tag < 0xc0) return sized(Type::text, tag & 0x1fU);
  return after(tag);
}

inline Item Reader::after(std::uint8_t tag) {
  Item item;
  switch (tag) {
    case 0xc0:
      return item;
    case 0xc2:
    case 0xc3:
      item.type = Type::boolean;
      item.integer = tag & 1U;
      return item;
    case 0xc4:
      return sized(Type::binary, number<std::uint8_t>());
    case 0xc5:
      return sized(Type::binary, number<std::uint16_t>());
    case 0xc6:
      return sized(Type::binary, number<std::uint32_t>());
    case 0xc7:
      return extension(number<std::uint8_t>());
    case 0xc8:
      return extension(number<std::uint16_t>());
    case 0xc9:
      return extension(number<std::uint32_t>());
    case 0xca:
      return real(std::bit_cast<float>(number<std::uint32_t>()));
    case 0xcb:
      return real(std::bit_cast<double>(number<std::uint64_t>()));
    case 0xcc:
      return integer(number<std::uint8_t>());
    case 0xcd:
      return integer(number<std::uint16_t>());
    case 0xce:
      return integer(number<std::uint32_t>());
    case 0xcf:
      item.type = Type::unsigned_integer;
      item.unsigned_integer = number<std::uint64_t>();
      return item;
    case 0xd0:
      return integer(number<std::int8_t>());
    case 0xd1:
      return integer(number<std::int16_t>());
    case 0xd2:
      return integer(number<std::int32_t>());
    case 0xd3:
      return integer(number<std::int64_t>());
    case 0xd4:
    case 0xd5:
    case 0xd6:
    case 0xd7:
    case 0xd8:
      return extension(std::size_t{1} << (tag - 0xd4U));
    case 0xd9:
      return sized(Type::text, number<std::uint8_t>());
    case 0xda:
      return sized(Type::text, number<std::uint16_t>());
    case 0xdb:
      return sized(Type::text, number<std::uint32_t>());
    case 0xdc:
      return sized(Type::array, number<std::uint16_t>());
    case 0xdd:
      return sized(Type::array, number<std::uint32_t>());
    case 0xde:
      return sized(Type::map, number<std::uint16_t>());
    case 0xdf:
      return sized(Type::map, number<std::uint32_t>());
    default:
      throw Malformed("it has the reserved byte 0xc1");
  }
}

}  // namespace dcp::msgpack
