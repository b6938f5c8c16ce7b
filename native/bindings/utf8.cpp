#include "utf8.hpp"

#include <algorithm>

namespace dcp::bindings {

namespace {

using Bytes = std::span<const std::uint8_t>;

constexpr char32_t kNone = 0xffffffff;

// How many bytes a character has by its first one, and the least character that needs as many.
struct Lead {
  std::size_t size;
  char32_t bits;
  char32_t least;
};

Lead read_lead(std::uint8_t byte) {
  if (byte < 0x80) return {1, byte, 0};
  if (byte >= 0xc2 && byte < 0xe0) return {2, byte & 0x1fU, 0x80};
  if (byte >= 0xe0 && byte < 0xf0) return {3, byte & 0x0fU, 0x800};
  if (byte >= 0xf0 && byte < 0xf5) return {4, byte & 0x07U, 0x10000};
  return {0, 0, 0};
}

// The character at `at`, which moves on. kNone where there is none.
char32_t read_character(Bytes utf8, std::size_t& at) {
  const Lead lead = read_lead(utf8[at]);
  if (lead.size == 0 || lead.size > utf8.size() - at) return kNone;
  char32_t character = lead.bits;
  for (std::size_t i = 1; i < lead.size; ++i) {
    const std::uint8_t byte = utf8[at + i];
    if ((byte & 0xc0U) != 0x80) return kNone;
    character = character << 6 | (byte & 0x3fU);
  }
  at += lead.size;
  const bool surrogate = character >= 0xd800 && character < 0xe000;
  return character < lead.least || character > 0x10ffff || surrogate ? kNone : character;
}

}  // namespace

std::optional<TextShape> shape_of(Bytes utf8) {
  TextShape shape;
  for (std::size_t at = 0; at < utf8.size(); ++shape.characters) {
    const char32_t character = read_character(utf8, at);
    if (character == kNone) return std::nullopt;
    shape.highest = std::max(shape.highest, character);
  }
  return shape;
}

template <typename Character>
void widen(Bytes utf8, Character* into) {
  for (std::size_t at = 0; at < utf8.size();) *into++ = static_cast<Character>(read_character(utf8, at));
}

template void widen(Bytes, std::uint8_t*);
template void widen(Bytes, std::uint16_t*);
template void widen(Bytes, std::uint32_t*);

std::size_t wider_than_utf8(Bytes data) {
  std::uint8_t all = 0;
  for (const std::uint8_t byte : data) all |= byte;
  if (all < 0x80) return 0;
  std::uint8_t highest = 0;
  std::size_t characters = 0;
  for (const std::uint8_t byte : data) {
    highest = std::max(highest, byte);
    characters += (byte & 0xc0U) != 0x80;
  }
  const std::size_t width = highest < 0xc4 ? 1 : highest < 0xf0 ? 2 : 4;
  return std::max(characters * width, data.size()) - data.size();
}

}  // namespace dcp::bindings
