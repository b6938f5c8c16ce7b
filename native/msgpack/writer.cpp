#include "msgpack/writer.hpp"

#include <bit>

namespace dcp::msgpack {

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

}  // namespace dcp::msgpack
