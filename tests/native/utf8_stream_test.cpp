// UTF-8 of a string that comes in stretches, which may cut a pair of surrogates.
#include "runtime/utf8_stream.hpp"

#include <random>
#include <string>

#include "check.hpp"

using dcp::engine::StringUnits;
using dcp::runtime::Utf8Stream;

namespace {

StringUnits units(const std::u16string& text) { return {text.data(), static_cast<std::uint32_t>(text.size()), true}; }
StringUnits units(const std::string& text) { return {text.data(), static_cast<std::uint32_t>(text.size()), false}; }

void stretches_are_joined() {
  std::string out;
  Utf8Stream stream([&](std::string_view bytes) { return out += bytes, true; });
  CHECK(stream.add(units(std::string("a\xE9\xFFz"))));
  CHECK(stream.add(units(std::u16string(u"\u20AC\xD83D"))));
  CHECK(stream.add(units(std::u16string(u"\xDE00 \xD83D"))));
  CHECK(stream.add(units(std::string("b"))));
  CHECK(stream.add(units(std::u16string(u"\xDE00\xD83D\xD83D\xDE00\xD83D"))));
  CHECK(stream.add("end"));
  CHECK(stream.add(units(std::u16string(u"\xD800"))));
  CHECK(stream.finish());
  CHECK_EQ(out,
           "a\u00E9\u00FFz\u20AC\U0001F600 \uFFFDb\uFFFD\uFFFD\U0001F600\uFFFD"
           "end\uFFFD");
}

std::string encoded(char32_t c) {
  std::u16string text;
  if (c >= 0x10000) {
    text += static_cast<char16_t>(0xD800 + ((c - 0x10000) >> 10));
    text += static_cast<char16_t>(0xDC00 + ((c - 0x10000) & 0x3FF));
  } else {
    text += static_cast<char16_t>(c);
  }
  std::string out;
  Utf8Stream stream([&](std::string_view bytes) { return out += bytes, true; });
  CHECK(stream.add(units(text)) && stream.finish());
  return out;
}

void borders_of_the_sequences() {
  CHECK_EQ(encoded(0), std::string(1, '\0'));
  CHECK_EQ(encoded(0x7F), "\x7F");
  CHECK_EQ(encoded(0x80), "\xC2\x80");
  CHECK_EQ(encoded(0x7FF), "\xDF\xBF");
  CHECK_EQ(encoded(0x800), "\xE0\xA0\x80");
  CHECK_EQ(encoded(0xFFFF), "\xEF\xBF\xBF");
  CHECK_EQ(encoded(0x10000), "\xF0\x90\x80\x80");
  CHECK_EQ(encoded(0x10FFFF), "\xF4\x8F\xBF\xBF");
}

void one_unit_that_is_not_ascii_anywhere() {
  for (std::size_t at = 0; at < 150; ++at) {
    std::string text(150, 'a'), out;
    text[at] = '\xE9';
    Utf8Stream stream([&](std::string_view bytes) { return out += bytes, true; });
    CHECK(stream.add(units(text)) && stream.finish());
    CHECK_EQ(out, text.substr(0, at) + "\u00E9" + text.substr(at + 1));
  }
}

void long_strings_of_every_kind() {
  std::mt19937 random(5);
  std::string out, expected;
  Utf8Stream stream([&](std::string_view bytes) { return out += bytes, true; });
  for (int i = 0; i < 200; ++i) {
    const std::size_t size = random() % 100'000;
    switch (random() % 3) {
      case 0:
        CHECK(stream.add(units(std::string(size, 'x'))));
        expected.append(size, 'x');
        break;
      case 1:
        CHECK(stream.add(units(std::string(size, '\xE9'))));
        for (std::size_t k = 0; k < size; ++k) expected += "\u00E9";
        break;
      default:
        CHECK(stream.add(units(std::u16string(size, u'\u20AC'))));
        for (std::size_t k = 0; k < size; ++k) expected += "\u20AC";
    }
  }
  CHECK(stream.finish());
  CHECK_EQ(out, expected);
}

void a_sink_that_has_enough() {
  int calls = 0;
  Utf8Stream stream([&](std::string_view) { return ++calls < 2; });
  const std::string block(100'000, 'x');
  CHECK(stream.add(units(block)));
  CHECK(!stream.add(units(block)));
}

}  // namespace

int main() {
  stretches_are_joined();
  borders_of_the_sequences();
  one_unit_that_is_not_ascii_anywhere();
  long_strings_of_every_kind();
  a_sink_that_has_enough();
  return dcp::test::failures != 0;
}
