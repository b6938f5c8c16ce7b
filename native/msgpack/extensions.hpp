// What the extensions of MessagePack in a frame are (docs/protocol.md section 1).
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "msgpack/item.hpp"

namespace dcp::msgpack {

/// The code of each.
inline constexpr std::int8_t kTimestamp = -1, kTypedArray = 1, kShared = 2, kBigInt = 3, kShaped = 4;

/// As many types elements have, ArrayBuffer being the last: its elements are bytes.
inline constexpr std::size_t kElementTypes = 14;

/// Since the start of 1970, UTC.
struct Timestamp {
  std::int64_t seconds = 0;
  std::uint32_t nanoseconds = 0;

  /// Whether Python has such a date: of the years 1 to 9999.
  bool is_in_range() const { return seconds >= -62'135'596'800 && seconds < 253'402'300'800; }
};

struct SharedPart {
  std::uint8_t element_type = 0;
  std::uint32_t descriptor = 0;  ///< of those of the frame
  std::uint64_t offset = 0;
  std::uint64_t size = 0;
};

/// The longest shape of an array.
inline constexpr std::size_t kMostDimensions = 32;

using Shape = std::vector<std::uint64_t>;

/// Whether so many elements have that shape.
bool fits(const Shape& shape, std::uint64_t elements);

/// An array with a shape, one row after the other.
struct ShapedArray {
  Shape shape;
  std::int8_t code = 0;  ///< kTypedArray or kShared
  Bytes data;            ///< of that extension
};

/// Throws Malformed, as do the others here, where the elements do not fit the shape, or have none.
ShapedArray read_shaped(Bytes data);

/// The bytes before those of the extension with the elements.
std::vector<std::uint8_t> shape_head(const Shape& shape, std::int8_t code);

Timestamp read_timestamp(Bytes data);

SharedPart read_shared(Bytes data);

/// The type of the elements, which comes first, must be one, and its elements whole.
void check_elements(Bytes data);

/// Digits, and a minus before them where it is negative.
bool is_hexadecimal(Bytes data);

}  // namespace dcp::msgpack
