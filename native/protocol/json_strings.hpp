// Strings of JSON, as JavaScript's JSON.stringify writes and JSON.parse reads them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace dcp::protocol {

/// Bytes that the text takes in quotes. `Unit`: a character of Python's, of one, two or four bytes; `char`: UTF-8,
/// which must be valid.
template <typename Unit>
std::size_t quoted_size(std::span<const Unit> text);

/// Writes them, and gives where they end. Halves of a surrogate pair that stand side by side become one character, as
/// they are in JavaScript; others are escaped.
template <typename Unit>
char* write_quoted(std::span<const Unit> text, char* into);

bool is_utf8(std::string_view text);

/// A string as it stands in a JSON text.
struct StringLiteral {
  /// Between the quotes.
  std::string_view inside;
  std::size_t characters = 0;
  /// Of the text that it stands for, in UTF-8; three for half a surrogate pair.
  std::size_t utf8_size = 0;
  char32_t highest = 0;
  bool has_lone_surrogates = false;

  /// Whether it is ASCII without escapes.
  bool stands_for_itself() const { return characters == inside.size() && highest < 0x80; }
};

/// Whether all bytes stand for themselves in quotes: ASCII without quotes, backslashes and controls.
bool all_plain(std::string_view text);

/// The one that begins after the quote before `at`. Throws invalid_argument, with the place, for what is none.
StringLiteral read_string(std::string_view json, std::size_t at);

/// Writes its characters, none of which is higher than `Unit` can hold; `char`: in UTF-8.
template <typename Unit>
void write_characters(const StringLiteral& literal, Unit* into);

/// Throws invalid_argument, which Python knows as ValueError: what is wrong with a JSON text at a byte, from 0.
[[noreturn]] void refuse_json(std::size_t at, std::string_view what);

}  // namespace dcp::protocol
