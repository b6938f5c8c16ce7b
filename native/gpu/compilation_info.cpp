#include "gpu/compilation_info.hpp"

#include <algorithm>
#include <charconv>
#include <string>

namespace dcp::gpu {
namespace {

bool is_start(char byte) { return (static_cast<unsigned char>(byte) & 0xC0) != 0x80; }

std::uint64_t utf16_units(std::string_view text) {
  std::uint64_t units = 0;
  for (const char byte : text) {
    if (is_start(byte)) units += static_cast<unsigned char>(byte) >= 0xF0 ? 2 : 1;
  }
  return units;
}

/// Bytes of the first `characters` characters of `text`.
std::size_t bytes_of(std::string_view text, std::uint64_t characters) {
  std::size_t at = 0;
  while (at < text.size() && characters > 0) {
    ++at;
    while (at < text.size() && !is_start(text[at])) ++at;
    --characters;
  }
  return at;
}

/// "Shader 'x' parsing error: expected ..." -> "expected ..."
std::string_view first_sentence(std::string_view error) {
  for (const std::string_view mark : {"parsing error: ", "validation error: ", "Shader validation error: "}) {
    const std::size_t found = error.find(mark);
    if (found != std::string_view::npos) error.remove_prefix(found + mark.size());
  }
  return error.substr(0, error.find('\n'));
}

std::uint64_t number_at(std::string_view text, std::size_t& at) {
  std::uint64_t value = 0;
  const auto result = std::from_chars(text.data() + at, text.data() + text.size(), value);
  at = static_cast<std::size_t>(result.ptr - text.data());
  return value;
}

}  // namespace

CompilationMessage parse_message(std::string_view error, std::string_view code) {
  CompilationMessage message{};
  message.message = first_sentence(error);
  std::size_t at = error.find("wgsl:");
  if (at == std::string_view::npos) return message;
  at += 5;
  message.lineNum = number_at(error, at);
  if (at < error.size()) ++at;  // ':'
  const std::uint64_t column = number_at(error, at);
  std::size_t line_start = 0;
  for (std::uint64_t line = 1; line < message.lineNum; ++line) {
    line_start = code.find('\n', line_start);
    if (line_start == std::string_view::npos) return message;
    ++line_start;
  }
  const std::string_view line = code.substr(line_start);
  const std::size_t before = bytes_of(line, column > 0 ? column - 1 : 0);
  message.linePos = utf16_units(line.substr(0, before)) + 1;
  message.offset = utf16_units(code.substr(0, line_start + before));
  const std::size_t carets = error.find('^', at);
  if (carets != std::string_view::npos) {
    const std::size_t end = std::min(error.find_first_not_of('^', carets), error.size());
    message.length = utf16_units(line.substr(before, bytes_of(line.substr(before), end - carets)));
  }
  return message;
}

}  // namespace dcp::gpu
