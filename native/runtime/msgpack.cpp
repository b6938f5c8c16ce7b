#include "runtime/msgpack.hpp"

#include <bit>
#include <cstring>

namespace dcp::runtime::msgpack {

template <typename T>
void Writer::big_endian(T value) {
  for (int shift = static_cast<int>(sizeof(T)) * 8 - 8; shift >= 0; shift -= 8) {
    byte(static_cast<unsigned>(value >> shift) & 0xffU);
  }
}

void Writer::integer(std::int64_t value) {
  if (value >= -32 && value < 128) return byte(static_cast<unsigned>(value) & 0xffU);
  if (value >= INT32_MIN && value <= INT32_MAX) {
    byte(0xd2);
    return big_endian(static_cast<std::uint32_t>(value));
  }
  byte(0xd3);
  big_endian(static_cast<std::uint64_t>(value));
}

void Writer::float64(double value) {
  byte(0xcb);
  big_endian(std::bit_cast<std::uint64_t>(value));
}

void Writer::string(std::string_view utf8) {
  if (utf8.size() < 32) {
    byte(0xa0U | static_cast<unsigned>(utf8.size()));
  } else {
    byte(0xdb);
    big_endian(static_cast<std::uint32_t>(utf8.size()));
  }
  raw(utf8.data(), utf8.size());
}

void Writer::binary(std::span<const std::byte> data) {
  byte(0xc6);
  big_endian(static_cast<std::uint32_t>(data.size()));
  raw(data.data(), data.size());
}

void Writer::array(std::size_t count) {
  if (count < 16) return byte(0x90U | static_cast<unsigned>(count));
  byte(0xdd);
  big_endian(static_cast<std::uint32_t>(count));
}

void Writer::map(std::size_t count) {
  if (count < 16) return byte(0x80U | static_cast<unsigned>(count));
  byte(0xdf);
  big_endian(static_cast<std::uint32_t>(count));
}

void Writer::extension(std::int8_t type, std::size_t size) {
  byte(0xc9);
  big_endian(static_cast<std::uint32_t>(size));
  byte(static_cast<std::uint8_t>(type));
}

void Writer::raw(const void* data, std::size_t size) {
  const auto* first = static_cast<const std::byte*>(data);
  bytes_.insert(bytes_.end(), first, first + size);
}

std::span<const std::byte> Reader::take(std::size_t size) {
  if (size > input_.size() - position_) throw Malformed("MessagePack ends in the middle of an item");
  const auto data = input_.subspan(position_, size);
  position_ += size;
  return data;
}

template <typename T>
T Reader::big_endian() {
  std::uint64_t value = 0;
  for (const std::byte byte : take(sizeof(T))) value = value << 8 | static_cast<std::uint64_t>(byte);
  return static_cast<T>(value);
}

Item Reader::sized(Type type, std::size_t size) {
  Item item;
  item.type = type;
  item.data = take(size);
  return item;
}

Item Reader::counted(Type type, std::size_t count) {
  // Each item takes a byte at least: a larger count would only serve to exhaust memory.
  if (count > input_.size() - position_) throw Malformed("MessagePack announces more items than it holds");
  Item item;
  item.type = type;
  item.count = count;
  return item;
}

Item Reader::extended(std::size_t size) {
  const auto type = big_endian<std::int8_t>();
  Item item = sized(Type::extension, size);
  item.extension = type;
  return item;
}

Item Reader::integer(std::int64_t value) {
  Item item;
  item.type = Type::integer;
  item.integer = value;
  return item;
}

Item Reader::next() {
  const unsigned tag = std::to_integer<unsigned>(take(1)[0]);
  if (tag < 0x80) return integer(static_cast<std::int64_t>(tag));
  if (tag < 0x90) return counted(Type::map, tag & 0x0fU);
  if (tag < 0xa0) return counted(Type::array, tag & 0x0fU);
  if (tag < 0xc0) return sized(Type::string, tag & 0x1fU);
  if (tag >= 0xe0) return integer(static_cast<std::int8_t>(tag));
  Item item;
  switch (tag) {
    case 0xc0:
      return item;
    case 0xc2:
    case 0xc3:
      item.type = Type::boolean;
      item.boolean = tag == 0xc3;
      return item;
    case 0xc4:
      return sized(Type::binary, big_endian<std::uint8_t>());
    case 0xc5:
      return sized(Type::binary, big_endian<std::uint16_t>());
    case 0xc6:
      return sized(Type::binary, big_endian<std::uint32_t>());
    case 0xc7:
      return extended(big_endian<std::uint8_t>());
    case 0xc8:
      return extended(big_endian<std::uint16_t>());
    case 0xc9:
      return extended(big_endian<std::uint32_t>());
    case 0xca:
      item.type = Type::float64;
      item.number = std::bit_cast<float>(big_endian<std::uint32_t>());
      return item;
    case 0xcb:
      item.type = Type::float64;
      item.number = std::bit_cast<double>(big_endian<std::uint64_t>());
      return item;
    case 0xcc:
      return integer(big_endian<std::uint8_t>());
    case 0xcd:
      return integer(big_endian<std::uint16_t>());
    case 0xce:
      return integer(big_endian<std::uint32_t>());
    case 0xcf:
      item.type = Type::unsigned_integer;
      item.unsigned_integer = big_endian<std::uint64_t>();
      return item;
    case 0xd0:
      return integer(big_endian<std::int8_t>());
    case 0xd1:
      return integer(big_endian<std::int16_t>());
    case 0xd2:
      return integer(big_endian<std::int32_t>());
    case 0xd3:
      return integer(big_endian<std::int64_t>());
    case 0xd4:
    case 0xd5:
    case 0xd6:
    case 0xd7:
    case 0xd8:
      return extended(std::size_t{1} << (tag - 0xd4));
    case 0xd9:
      return sized(Type::string, big_endian<std::uint8_t>());
    case 0xda:
      return sized(Type::string, big_endian<std::uint16_t>());
    case 0xdb:
      return sized(Type::string, big_endian<std::uint32_t>());
    case 0xdc:
      return counted(Type::array, big_endian<std::uint16_t>());
    case 0xdd:
      return counted(Type::array, big_endian<std::uint32_t>());
    case 0xde:
      return counted(Type::map, big_endian<std::uint16_t>());
    case 0xdf:
      return counted(Type::map, big_endian<std::uint32_t>());
    default:
      throw Malformed("MessagePack with the reserved byte 0xc1");
  }
}

}  // namespace dcp::runtime::msgpack
