// JSON texts of DCP's peers, and the strings in them: what is read is written and read again.
#include <cmath>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/json_numbers.hpp"
#include "protocol/json_parser.hpp"
#include "protocol/json_strings.hpp"

using namespace dcp::protocol;

namespace {

constexpr std::size_t kDepth = 50;

std::vector<std::uint32_t> characters_of(const StringLiteral& literal) {
  std::vector<std::uint32_t> characters(literal.characters);
  write_characters(literal, characters.data());
  return characters;
}

void write_and_read_again(const StringLiteral& literal) {
  const std::vector<std::uint32_t> characters = characters_of(literal);
  for (const std::uint32_t character : characters) {
    if (character > literal.highest && literal.highest > 0x7f) std::abort();
  }
  std::string quoted(quoted_size(std::span<const std::uint32_t>(characters)), '\0');
  if (write_quoted(std::span<const std::uint32_t>(characters), quoted.data()) != quoted.data() + quoted.size())
    std::abort();
  if (characters_of(read_string(quoted, 1)) != characters) std::abort();

  std::string utf8(literal.utf8_size, '\0');
  write_characters(literal, utf8.data());
  if (is_utf8(utf8) == literal.has_lone_surrogates) std::abort();
  if (literal.has_lone_surrogates) return;
  std::string same(quoted_size(std::span<const char>(utf8)), '\0');
  write_quoted(std::span<const char>(utf8), same.data());
  if (same != quoted) std::abort();
}

/// Checks that what is opened is closed, and that places are in the text.
class Handler {
 public:
  explicit Handler(std::string_view json) : json_(json) {}

  bool is_done() const { return begun_ == ended_ && open_ == 0 && begun_ > 0; }

  static StringLiteral read(std::string_view json, std::size_t at) { return read_string(json, at); }
  void value_begins(std::size_t place) {
    ++begun_;
    if (place >= json_.size()) std::abort();
  }
  void value_ended(std::size_t place) {
    ++ended_;
    if (place > json_.size()) std::abort();
  }
  void begin(char) {
    if (++open_ > kDepth) std::abort();
  }
  void end() {
    if (open_-- == 0) std::abort();
  }
  static void key(const StringLiteral& literal) { write_and_read_again(literal); }
  static void string(const StringLiteral& literal) { write_and_read_again(literal); }
  static void number(std::string_view text, bool, std::size_t) {
    const double number = std::strtod(std::string(text).c_str(), nullptr);
    if (!std::isfinite(number)) return;
    std::string written;
    append_number(number, written);
    if (std::strtod(written.c_str(), nullptr) != number) std::abort();
  }
  static void constant(char) {}

 private:
  std::string_view json_;
  std::size_t begun_ = 0, ended_ = 0, open_ = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view json(reinterpret_cast<const char*>(data), size);
  Handler handler(json);
  try {
    JsonParser(json, kDepth, handler).parse();
    if (!handler.is_done()) std::abort();
  } catch (const std::invalid_argument&) {
  }
  return 0;
}
