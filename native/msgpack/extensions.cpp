#include "msgpack/extensions.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstring>

namespace dcp::msgpack {

namespace {

// Bytes of an element by its type: 12 is a DataView, 13 an ArrayBuffer.
constexpr std::array<std::uint8_t, kElementTypes> kWidths = {1, 1, 1, 2, 2, 4, 4, 8, 8, 2, 4, 8, 1, 1};

void check_elements(std::uint8_t type, std::uint64_t size) {
  if (type >= kWidths.size() || size % kWidths[type] != 0) {
    throw Malformed("a typed array with an unknown type or a broken element");
  }
}

std::uint64_t big_endian(Bytes data) {
  std::uint64_t value = 0;
  for (const std::uint8_t byte : data) value = value << 8 | byte;
  return value;
}

template <typename T>
T little_endian(const std::uint8_t* data) {
  T value;
  std::memcpy(&value, data, sizeof value);
  return value;
}

}  // namespace

Timestamp read_timestamp(Bytes data) {
  Timestamp time;
  if (data.size() == 4) {
    time.seconds = static_cast<std::int64_t>(big_endian(data));
  } else if (data.size() == 8) {
    const std::uint64_t both = big_endian(data);
    time = {static_cast<std::int64_t>(both & 0x3ffffffffU), static_cast<std::uint32_t>(both >> 34)};
  } else if (data.size() == 12) {
    time = {static_cast<std::int64_t>(big_endian(data.subspan(4))),
            static_cast<std::uint32_t>(big_endian(data.first(4)))};
  } else {
    throw Malformed("a date of an unknown length");
  }
  if (time.nanoseconds > 999'999'999) throw Malformed("a date with more than a second of nanoseconds");
  return time;
}

SharedPart read_shared(Bytes data) {
  if (data.size() != 1 + 4 + 8 + 8) throw Malformed("a shared buffer's description has the wrong size");
  const SharedPart part{data[0], little_endian<std::uint32_t>(&data[1]), little_endian<std::uint64_t>(&data[5]),
                        little_endian<std::uint64_t>(&data[13])};
  check_elements(part.element_type, part.size);
  return part;
}

void check_elements(Bytes data) {
  if (data.empty()) throw Malformed("a typed array without its type");
  check_elements(data[0], data.size() - 1);
}

bool is_hexadecimal(Bytes data) {
  if (!data.empty() && data[0] == '-') data = data.subspan(1);
  return !data.empty() && std::ranges::all_of(data, [](std::uint8_t digit) { return std::isxdigit(digit) != 0; });
}

}  // namespace dcp::msgpack
