#include "json_strings.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <stdexcept>
#include <string>
#include <type_traits>

namespace dcp::protocol {
namespace {

constexpr char32_t kNone = 0xffffffff;
constexpr char kHex[] = "0123456789abcdef";

constexpr bool is_high_half(char32_t character) { return character >= 0xd800 && character < 0xdc00; }
constexpr bool is_low_half(char32_t character) { return character >= 0xdc00 && character < 0xe000; }
constexpr bool is_half(char32_t character) { return character >= 0xd800 && character < 0xe000; }
constexpr char32_t join(char32_t high, char32_t low) { return 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00); }

/// Whether eight bytes stand for themselves in JSON: ASCII, no quote, backslash or control character. May err to false.
bool stand_for_themselves(const char* bytes) {
  constexpr std::uint64_t ones = 0x0101010101010101;
  std::uint64_t word;
  std::memcpy(&word, bytes, sizeof word);
  const std::uint64_t quotes = (word ^ ones * '"') - ones;
  const std::uint64_t backslashes = (word ^ ones * '\\') - ones;
  const std::uint64_t controls = word - ones * 0x20;
  return ((word | quotes | backslashes | controls) & ones * 0x80) == 0;
}

/// How many bytes from `at` on stand for themselves; perhaps a few more do.
std::size_t plain_run(std::string_view text, std::size_t at) {
  const std::size_t begin = at;
  while (text.size() - at >= 8 && stand_for_themselves(text.data() + at)) at += 8;
  return at - begin;
}

// How many bytes a character has by its first one, and the least character that needs as many.
struct Lead {
  std::size_t size;
  char32_t bits;
  char32_t least;
};

Lead read_lead(unsigned char byte) {
  if (byte < 0x80) return {1, byte, 0};
  if (byte >= 0xc2 && byte < 0xe0) return {2, byte & 0x1fU, 0x80};
  if (byte >= 0xe0 && byte < 0xf0) return {3, byte & 0x0fU, 0x800};
  if (byte >= 0xf0 && byte < 0xf5) return {4, byte & 0x07U, 0x10000};
  return {0, 0, 0};
}

/// The character at `at`, which moves on. kNone where there is none.
char32_t read_utf8(std::string_view text, std::size_t& at) {
  const Lead lead = read_lead(static_cast<unsigned char>(text[at]));
  if (lead.size == 0 || lead.size > text.size() - at) return kNone;
  char32_t character = lead.bits;
  for (std::size_t i = 1; i < lead.size; ++i) {
    const auto byte = static_cast<unsigned char>(text[at + i]);
    if ((byte & 0xc0U) != 0x80) return kNone;
    character = character << 6 | (byte & 0x3fU);
  }
  at += lead.size;
  return character < lead.least || character > 0x10ffff || is_half(character) ? kNone : character;
}

/// Without branches, which nobody could foresee in binary data.
constexpr std::size_t utf8_size(char32_t character) {
  return 1U + static_cast<unsigned>(character >= 0x80) + static_cast<unsigned>(character >= 0x800) +
         static_cast<unsigned>(character >= 0x10000);
}

constexpr char* write_utf8(char32_t character, char* into) {
  const std::size_t size = utf8_size(character);
  if (size == 1) {
    *into++ = static_cast<char>(character);
    return into;
  }
  constexpr unsigned leads[] = {0, 0, 0xc0, 0xe0, 0xf0};
  *into++ = static_cast<char>(leads[size] | character >> 6 * (size - 1));
  for (std::size_t rest = size - 1; rest > 0; --rest) {
    *into++ = static_cast<char>(0x80 | (character >> 6 * (rest - 1) & 0x3f));
  }
  return into;
}

/// The letter after the backslash; 0 for those that have none.
constexpr char short_escape(char32_t character) {
  switch (character) {
    case '"':
    case '\\':
      return static_cast<char>(character);
    case '\b':
      return 'b';
    case '\f':
      return 'f';
    case '\n':
      return 'n';
    case '\r':
      return 'r';
    case '\t':
      return 't';
    default:
      return 0;
  }
}

constexpr std::size_t size_in_quotes(char32_t character) {
  if (short_escape(character) != 0) return 2;
  if (character < 0x20 || is_half(character)) return 6;
  return utf8_size(character);
}

constexpr char* write_in_quotes(char32_t character, char* into) {
  if (const char letter = short_escape(character)) {
    *into++ = '\\';
    *into++ = letter;
    return into;
  }
  if (character >= 0x20 && !is_half(character)) return write_utf8(character, into);
  *into++ = '\\';
  *into++ = 'u';
  for (int shift = 12; shift >= 0; shift -= 4) *into++ = kHex[character >> shift & 0xf];
  return into;
}

/// The characters of a text one by one, with runs of those that stand for themselves where its bytes are ASCII.
template <typename Unit, typename Run, typename One>
void each_character(std::span<const Unit> text, Run&& run, One&& one) {
  for (std::size_t at = 0; at < text.size();) {
    if constexpr (sizeof(Unit) == 1) {
      const std::string_view bytes{reinterpret_cast<const char*>(text.data()), text.size()};
      const std::size_t length = plain_run(bytes, at);
      if (length > 0) run(bytes.substr(at, length));
      at += length;
      if (at == text.size()) return;
      if constexpr (std::is_same_v<Unit, char>) {
        one(read_utf8(bytes, at));
        continue;
      }
    }
    char32_t character = static_cast<char32_t>(text[at++]);
    if (is_high_half(character) && at < text.size() && is_low_half(static_cast<char32_t>(text[at]))) {
      character = join(character, static_cast<char32_t>(text[at++]));
    }
    one(character);
  }
}

/// How a character below U+0100 stands in quotes.
struct InQuotes {
  char text[7];
  std::uint8_t size;
};

constexpr std::array<InQuotes, 256> kInQuotes = [] {
  std::array<InQuotes, 256> all{};
  for (char32_t character = 0; character < all.size(); ++character) {
    InQuotes& one = all[character];
    one.size = static_cast<std::uint8_t>(size_in_quotes(character));
    write_in_quotes(character, one.text);
  }
  return all;
}();

constexpr std::size_t kUnforeseen = 16;
std::string_view as_bytes(std::span<const std::uint8_t> text) {
  return {reinterpret_cast<const char*>(text.data()), text.size()};
}

/// The size of characters in quotes. Of binary data, which nobody could foresee, it takes no branches.
std::size_t latin_size(std::span<const std::uint8_t> text) {
  std::size_t size = 0;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t run = plain_run(as_bytes(text), at);
    at += run;
    size += run;
    for (const std::size_t stop = std::min(at + kUnforeseen, text.size()); at < stop; ++at)
      size += kInQuotes[text[at]].size;
  }
  return size;
}

/// Writes them.
char* write_latin(std::span<const std::uint8_t> text, char* into) {
  static_assert(sizeof(InQuotes) == 8);
  std::size_t at = 0;
  // Each character that follows takes a byte at least: eight may be written, of which those beyond `size` do not last.
  while (text.size() - at >= kUnforeseen + sizeof(InQuotes)) {
    const std::size_t run = plain_run(as_bytes(text), at);
    into = std::copy_n(reinterpret_cast<const char*>(text.data()) + at, run, into);
    at += run;
    if (text.size() - at < kUnforeseen + sizeof(InQuotes)) break;
    for (const std::size_t stop = at + kUnforeseen; at < stop; ++at) {
      const InQuotes& one = kInQuotes[text[at]];
      std::memcpy(into, &one, sizeof one);
      into += one.size;
    }
  }
  for (; at < text.size(); ++at) into = write_in_quotes(text[at], into);
  return into;
}

/// What a hexadecimal digit stands for; 0xff for other bytes.
constexpr std::array<std::uint8_t, 256> kDigits = [] {
  std::array<std::uint8_t, 256> digits{};
  digits.fill(0xff);
  for (std::uint8_t value = 0; value < 16; ++value) {
    const auto digit = static_cast<unsigned char>(kHex[value]);
    digits[digit] = value;
    if (value > 9) digits[digit - 0x20U] = value;
  }
  return digits;
}();

/// Four hexadecimal digits; kNone where they are none.
char32_t read_hex(std::string_view text, std::size_t at) {
  if (text.size() < 4 || at > text.size() - 4) return kNone;
  const auto digit = [&](std::size_t place) -> char32_t {
    return kDigits[static_cast<unsigned char>(text[at + place])];
  };
  const char32_t value = digit(0) << 12U | digit(1) << 8U | digit(2) << 4U | digit(3);
  const bool valid = (digit(0) | digit(1) | digit(2) | digit(3)) < 16;
  return valid ? value : kNone;
}

/// What follows a backslash at `at`, which moves on. kNone where that is no escape.
char32_t read_escape(std::string_view text, std::size_t& at) {
  if (at == text.size()) return kNone;
  switch (const char letter = text[at++]) {
    case '"':
    case '\\':
    case '/':
      return static_cast<char32_t>(letter);
    case 'b':
      return '\b';
    case 'f':
      return '\f';
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 't':
      return '\t';
    case 'u':
      break;
    default:
      return kNone;
  }
  const char32_t first = read_hex(text, at);
  if (first == kNone) return kNone;
  at += 4;
  if (!is_high_half(first) || text.substr(at, 2) != "\\u") return first;
  const char32_t second = read_hex(text, at + 2);
  if (second == kNone || !is_low_half(second)) return first;  // which is refused when its turn comes, or stands alone
  at += 6;
  return join(first, second);
}

/// Whether a byte stands for itself in quotes (1), begins a character of two bytes (2), or needs a closer look (0).
constexpr std::array<std::uint8_t, 256> kEasy = [] {
  std::array<std::uint8_t, 256> easy{};
  for (std::size_t byte = 0x20; byte < 0x80; ++byte) easy[byte] = byte == '"' || byte == '\\' ? 0 : 1;
  for (std::size_t byte = 0xc2; byte < 0xe0; ++byte) easy[byte] = 2;
  return easy;
}();

/// The easy characters from `at` on, some at most; where they end. No branch depends on their sizes.
template <typename Easy>
std::size_t some_easy(std::string_view json, std::size_t at, Easy&& easy) {
  constexpr std::size_t most = 16;
  if (json.size() - at <= 2 * most) return at;
  for (std::size_t count = 0; count < most; ++count) {
    const std::uint32_t byte = static_cast<unsigned char>(json[at]);
    const std::uint32_t size = kEasy[byte];
    const std::uint32_t last = static_cast<unsigned char>(json[at + (size >> 1U)]);
    const std::uint32_t two = 0U - (size >> 1U);  // all bits, or none
    const bool wrong = (((last & 0xc0U) ^ 0x80U) & two) != 0;
    if (size == 0 || wrong) return at;
    easy((byte & ~two) | (((byte & 0x1fU) << 6U | (last & 0x3fU)) & two), size);
    at += size;
  }
  return at;
}

/// The same of what stands in quotes, up to the quote, and gives its place.
template <typename Run, typename Easy, typename One>
std::size_t each_in_quotes(std::string_view json, std::size_t at, Run&& run, Easy&& easy, One&& one) {
  for (;;) {
    const std::size_t length = plain_run(json, at);
    if (length > 0) run(json.substr(at, length));
    at = some_easy(json, at + length, easy);
    if (at == json.size()) refuse_json(at, "a string has no end");
    const std::size_t place = at;
    const auto byte = static_cast<unsigned char>(json[at]);
    if (byte == '"') return at;
    if (byte < 0x20) refuse_json(at, "a control character in a string");
    char32_t character;
    if (byte == '\\') {
      character = read_escape(json, ++at);
      if (character == kNone) refuse_json(place, "what follows the backslash is no escape");
    } else {
      character = read_utf8(json, at);
      if (character == kNone) refuse_json(place, "the text is no UTF-8");
    }
    one(character);
  }
}

}  // namespace

template <typename Unit>
std::size_t quoted_size(std::span<const Unit> text) {
  std::size_t size = 2;
  if constexpr (std::is_same_v<Unit, std::uint8_t>) {
    return size + latin_size(text);
  }
  each_character(
      text, [&](std::string_view run) { size += run.size(); },
      [&](char32_t character) { size += size_in_quotes(character); });
  return size;
}

template <typename Unit>
char* write_quoted(std::span<const Unit> text, char* into) {
  *into++ = '"';
  if constexpr (std::is_same_v<Unit, std::uint8_t>) {
    into = write_latin(text, into);
    *into++ = '"';
    return into;
  }
  each_character(
      text, [&](std::string_view run) { into = std::copy(run.begin(), run.end(), into); },
      [&](char32_t character) { into = write_in_quotes(character, into); });
  *into++ = '"';
  return into;
}

bool is_utf8(std::string_view text) {
  for (std::size_t at = 0;;) {
    at += plain_run(text, at);
    if (at == text.size()) return true;
    if (read_utf8(text, at) == kNone) return false;
  }
}

bool all_plain(std::string_view text) {
  const std::size_t run = plain_run(text, 0);
  return std::all_of(text.begin() + static_cast<std::ptrdiff_t>(run), text.end(),
                     [](char byte) { return kEasy[static_cast<unsigned char>(byte)] == 1; });
}

StringLiteral read_string(std::string_view json, std::size_t at) {
  StringLiteral literal;
  const std::size_t end = each_in_quotes(
      json, at,
      [&](std::string_view run) {
        literal.characters += run.size();
        literal.utf8_size += run.size();
        literal.highest = std::max<char32_t>(literal.highest, 0x7f);
      },
      [&](char32_t character, std::size_t size) {
        ++literal.characters;
        literal.utf8_size += size;
        literal.highest = std::max(literal.highest, character);
      },
      [&](char32_t character) {
        ++literal.characters;
        literal.utf8_size += utf8_size(character);
        literal.highest = std::max(literal.highest, character);
        literal.has_lone_surrogates |= is_half(character);
      });
  literal.inside = json.substr(at, end - at);
  return literal;
}

template <typename Unit>
void write_characters(const StringLiteral& literal, Unit* into) {
  // The closing quote is there.
  const std::string_view json{literal.inside.data(), literal.inside.size() + 1};
  each_in_quotes(
      json, 0,
      [&](std::string_view run) {
        into = std::transform(run.begin(), run.end(), into, [](char byte) { return static_cast<Unit>(byte); });
      },
      [&](char32_t character, std::size_t) {
        if constexpr (std::is_same_v<Unit, char>)
          into = write_utf8(character, into);
        else
          *into++ = static_cast<Unit>(character);
      },
      [&](char32_t character) {
        if constexpr (std::is_same_v<Unit, char>)
          into = write_utf8(character, into);
        else
          *into++ = static_cast<Unit>(character);
      });
}

void refuse_json(std::size_t at, std::string_view what) {
  throw std::invalid_argument("JSON text, byte " + std::to_string(at) + ": " + std::string(what));
}

template std::size_t quoted_size(std::span<const char>);
template std::size_t quoted_size(std::span<const std::uint8_t>);
template std::size_t quoted_size(std::span<const std::uint16_t>);
template std::size_t quoted_size(std::span<const std::uint32_t>);
template char* write_quoted(std::span<const char>, char*);
template char* write_quoted(std::span<const std::uint8_t>, char*);
template char* write_quoted(std::span<const std::uint16_t>, char*);
template char* write_quoted(std::span<const std::uint32_t>, char*);
template void write_characters(const StringLiteral&, char*);
template void write_characters(const StringLiteral&, std::uint8_t*);
template void write_characters(const StringLiteral&, std::uint16_t*);
template void write_characters(const StringLiteral&, std::uint32_t*);

}  // namespace dcp::protocol
