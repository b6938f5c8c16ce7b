#include "runtime/base64.hpp"

#include <algorithm>
#include <array>
#include <cstdint>

namespace dcp::runtime {

namespace {

constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::uint8_t kInvalid = 0xFF;
constexpr std::uint8_t kSpace = 0xFE;

constexpr std::array<std::uint8_t, 256> make_values() {
  std::array<std::uint8_t, 256> values{};
  values.fill(kInvalid);
  for (std::size_t i = 0; i < kAlphabet.size(); ++i) values[static_cast<std::uint8_t>(kAlphabet[i])] = i;
  for (const char space : {'\t', '\n', '\f', '\r', ' '}) values[static_cast<std::uint8_t>(space)] = kSpace;
  return values;
}

constexpr auto kValues = make_values();

std::uint8_t byte_at(std::string_view bytes, std::size_t index) { return static_cast<std::uint8_t>(bytes[index]); }

}  // namespace

std::string base64_encode(std::string_view bytes) {
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t count = std::min<std::size_t>(3, bytes.size() - i);
    std::uint32_t group = 0;
    for (std::size_t k = 0; k < 3; ++k) group = group << 8 | (k < count ? byte_at(bytes, i + k) : 0u);
    for (std::size_t k = 0; k < 4; ++k) text += k <= count ? kAlphabet[group >> (18 - 6 * k) & 63] : '=';
  }
  return text;
}

std::optional<std::string> forgiving_base64_decode(std::string_view text) {
  std::string bytes;
  bytes.reserve(text.size() / 4 * 3 + 3);
  std::size_t digits = 0, padding = 0;
  std::uint32_t group = 0;
  for (const char character : text) {
    const std::uint8_t value = kValues[static_cast<std::uint8_t>(character)];
    if (value == kSpace) continue;
    if (character == '=') {
      ++padding;
      continue;
    }
    if (value == kInvalid || padding > 0) return std::nullopt;
    group = group << 6 | value;
    if (++digits % 4 == 0) {
      for (int shift = 16; shift >= 0; shift -= 8) bytes += static_cast<char>(group >> shift & 0xFF);
    }
  }
  if (digits % 4 == 1) return std::nullopt;
  if (padding > 2 || (padding > 0 && (digits + padding) % 4 != 0)) return std::nullopt;
  if (digits % 4 == 2) bytes += static_cast<char>(group >> 4 & 0xFF);
  if (digits % 4 == 3) {
    bytes += static_cast<char>(group >> 10 & 0xFF);
    bytes += static_cast<char>(group >> 2 & 0xFF);
  }
  return bytes;
}

std::optional<std::string> bytes_of_binary_string(std::string_view utf8) {
  std::string bytes;
  bytes.reserve(utf8.size());
  for (std::size_t i = 0; i < utf8.size(); ++i) {
    const std::uint8_t lead = byte_at(utf8, i);
    if (lead < 0x80) {
      bytes += static_cast<char>(lead);
    } else if ((lead == 0xC2 || lead == 0xC3) && i + 1 < utf8.size()) {
      bytes += static_cast<char>((lead & 0x03) << 6 | (byte_at(utf8, ++i) & 0x3F));
    } else {
      return std::nullopt;
    }
  }
  return bytes;
}

std::string binary_string_of_bytes(std::string_view bytes) {
  std::string utf8;
  utf8.reserve(bytes.size() + bytes.size() / 2);
  for (const char character : bytes) {
    const auto byte = static_cast<std::uint8_t>(character);
    if (byte < 0x80) {
      utf8 += character;
    } else {
      utf8 += static_cast<char>(0xC0 | byte >> 6);
      utf8 += static_cast<char>(0x80 | (byte & 0x3F));
    }
  }
  return utf8;
}

}  // namespace dcp::runtime
