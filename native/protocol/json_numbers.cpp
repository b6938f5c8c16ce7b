#include "json_numbers.hpp"

#include <array>
#include <charconv>
#include <string_view>

namespace dcp::protocol {
namespace {

/// The shortest digits that stand for a number, and the power of ten of the first one.
struct Digits {
  std::array<char, 20> text;
  std::size_t count = 0;
  int exponent = 0;

  std::string_view first(std::size_t number) const { return {text.data(), number}; }
  std::string_view after(std::size_t number) const { return {text.data() + number, count - number}; }
};

Digits digits_of(double number) {
  std::array<char, 32> scientific;
  const char* end = std::to_chars(scientific.begin(), scientific.end(), number, std::chars_format::scientific).ptr;
  Digits digits;
  const char* at = scientific.begin();
  for (; *at != 'e'; ++at) {
    if (*at != '.') digits.text[digits.count++] = *at;
  }
  ++at;
  std::from_chars(*at == '+' ? at + 1 : at, end, digits.exponent);
  return digits;
}

}  // namespace

void append_number(double number, std::string& out) {
  if (number == 0) {  // -0 too
    out += '0';
    return;
  }
  if (number < 0) {
    out += '-';
    number = -number;
  }
  const Digits digits = digits_of(number);
  const int point = digits.exponent + 1;
  const int count = static_cast<int>(digits.count);
  if (count <= point && point <= 21) {
    out.append(digits.after(0)).append(static_cast<std::size_t>(point - count), '0');
  } else if (0 < point && point <= 21) {
    const auto whole = static_cast<std::size_t>(point);
    out.append(digits.first(whole)).append(1, '.').append(digits.after(whole));
  } else if (-6 < point && point <= 0) {
    out.append("0.").append(static_cast<std::size_t>(-point), '0').append(digits.after(0));
  } else {
    out.append(digits.first(1));
    if (count > 1) out.append(1, '.').append(digits.after(1));
    out.append(digits.exponent < 0 ? "e-" : "e+").append(std::to_string(std::abs(digits.exponent)));
  }
}

}  // namespace dcp::protocol
