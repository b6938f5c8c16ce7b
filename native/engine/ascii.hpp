// How far a text is ASCII.
#pragma once

#include <cstddef>
#include <string_view>

namespace dcp::engine {

/// How many bytes, from the first one on, are ASCII.
inline std::size_t ascii_prefix(std::string_view text) {
  constexpr std::size_t block = 64;  // looked at without a branch, which the compiler does many at a time
  std::size_t at = 0;
  for (; text.size() - at >= block; at += block) {
    unsigned char all = 0;
    for (std::size_t i = 0; i < block; ++i) all |= static_cast<unsigned char>(text[at + i]);
    if (all >= 0x80) break;
  }
  while (at < text.size() && static_cast<unsigned char>(text[at]) < 0x80) ++at;
  return at;
}

inline bool is_ascii(std::string_view text) { return ascii_prefix(text) == text.size(); }

}  // namespace dcp::engine
