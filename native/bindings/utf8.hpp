// UTF-8 and the memory that Python keeps its text in: one, two or four bytes for each character, as the highest needs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace dcp::bindings {

struct TextShape {
  std::size_t characters = 0;
  char32_t highest = 0;

  std::size_t width() const { return highest < 0x100 ? 1 : highest < 0x10000 ? 2 : 4; }
};

/// None where the bytes are no UTF-8, halves of surrogate pairs included.
std::optional<TextShape> shape_of(std::span<const std::uint8_t> utf8);

/// Writes the characters, of which `into` has the width. `utf8` must have a shape.
template <typename Character>
void widen(std::span<const std::uint8_t> utf8, Character* into);

/// Bytes that Python will need beyond those of `data`, which may be no UTF-8.
std::size_t wider_than_utf8(std::span<const std::uint8_t> data);

}  // namespace dcp::bindings
