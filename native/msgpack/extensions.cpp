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

bool fits(const Shape& shape, std::uint64_t elements) {
  constexpr std::uint64_t kMost = std::uint64_t{1} << 48;  // sizes beside a 0 are bounded too
  std::uint64_t product = 1;
  bool is_empty = false;
  for (const std::uint64_t size : shape) {
    if (size == 0) {
      is_empty = true;
      continue;
    }
    if (size > kMost / product) return false;
    product *= size;
  }
  return shape.size() <= kMostDimensions && elements == (is_empty ? 0 : product);
}

ShapedArray read_shaped(Bytes data) {
  constexpr std::size_t kWidth = sizeof(std::uint64_t);
  const std::size_t dimensions = data.empty() ? 0 : data[0];
  const std::size_t head = 1 + dimensions * kWidth + 1;
  if (dimensions > kMostDimensions || data.size() < head) throw Malformed("a shape that is not whole");
  ShapedArray array{{}, static_cast<std::int8_t>(data[head - 1]), data.subspan(head)};
  for (std::size_t i = 0; i < dimensions; ++i) {
    array.shape.push_back(little_endian<std::uint64_t>(&data[1 + i * kWidth]));
  }
  SharedPart part;
  if (array.code == kShared) {
    part = read_shared(array.data);
  } else if (array.code == kTypedArray) {
    check_elements(array.data);
    part = {array.data[0], 0, 0, array.data.size() - 1};
  } else {
    throw Malformed("a shape of something that is no array");
  }
  constexpr std::uint8_t kDataView = kElementTypes - 2;
  if (part.element_type >= kDataView || !fits(array.shape, part.size / kWidths[part.element_type])) {
    throw Malformed("a shape that its array does not fit");
  }
  return array;
}

std::vector<std::uint8_t> shape_head(const Shape& shape, std::int8_t code) {
  std::vector<std::uint8_t> head{static_cast<std::uint8_t>(shape.size())};
  for (const std::uint64_t size : shape) {
    for (unsigned shift = 0; shift < 64; shift += 8) head.push_back(static_cast<std::uint8_t>(size >> shift));
  }
  head.push_back(static_cast<std::uint8_t>(code));
  return head;
}

bool is_hexadecimal(Bytes data) {
  if (!data.empty() && data[0] == '-') data = data.subspan(1);
  return !data.empty() && std::ranges::all_of(data, [](std::uint8_t digit) { return std::isxdigit(digit) != 0; });
}

}  // namespace dcp::msgpack
