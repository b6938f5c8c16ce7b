#include "engine/v8/wide_text.hpp"

#include <algorithm>
#include <array>

#include "engine/ascii.hpp"

namespace dcp::engine::v8engine {

namespace {

struct CodePoint {
  char32_t value;
  std::size_t size;  ///< bytes; 0: no valid sequence
};

/// Of a text that begins with no ASCII.
CodePoint first_of(std::string_view utf8) {
  constexpr std::array<char32_t, 5> least = {0, 0, 0x80, 0x800, 0x10000};  // for each size
  const auto lead = static_cast<unsigned char>(utf8[0]);
  const std::size_t size = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || utf8.size() < size) return {};
  char32_t value = lead & (0x7Fu >> size);
  for (const char next : utf8.substr(1, size - 1)) {
    const auto byte = static_cast<unsigned char>(next);
    if ((byte & 0xC0) != 0x80) return {};
    value = value << 6 | (byte & 0x3Fu);
  }
  const bool surrogate = value >= 0xD800 && value <= 0xDFFF;
  if (value < least[size] || value > 0x10FFFF || surrogate) return {};
  return {value, size};
}

}  // namespace

std::optional<WideText> wide_text(std::string_view utf8) {
  auto units = std::make_unique_for_overwrite<char16_t[]>(utf8.size());
  char16_t* end = units.get();
  char32_t highest = 0;
  for (;;) {
    const std::size_t ascii = ascii_prefix(utf8);
    end = std::ranges::copy(utf8.substr(0, ascii), end).out;
    utf8.remove_prefix(ascii);
    if (utf8.empty()) break;
    const CodePoint next = first_of(utf8);
    if (next.size == 0) return std::nullopt;
    highest = std::max(highest, next.value);
    if (next.value < 0x10000) {
      *end++ = static_cast<char16_t>(next.value);
    } else {
      *end++ = static_cast<char16_t>(0xD800 + ((next.value - 0x10000) >> 10));
      *end++ = static_cast<char16_t>(0xDC00 + ((next.value - 0x10000) & 0x3FF));
    }
    utf8.remove_prefix(next.size);
  }
  if (highest < 0x100) return std::nullopt;
  const auto size = static_cast<std::size_t>(end - units.get());
  return WideText{std::move(units), size};
}

}  // namespace dcp::engine::v8engine
