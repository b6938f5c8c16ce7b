#include "runtime/utf8_stream.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "engine/ascii.hpp"

namespace dcp::runtime {

namespace {

constexpr char32_t kReplacement = 0xFFFD;
constexpr std::size_t kLongestSequence = 4;

bool is_high(char16_t unit) { return unit >= 0xD800 && unit < 0xDC00; }
bool is_low(char16_t unit) { return unit >= 0xDC00 && unit < 0xE000; }

}  // namespace

bool Utf8Stream::add(engine::StringUnits units) {
  if (units.wide) return add_wide(static_cast<const char16_t*>(units.data), units.length);
  return add_narrow(static_cast<const unsigned char*>(units.data), units.length);
}

bool Utf8Stream::add(std::string_view utf8) {
  if (!put_pending()) return false;
  if (utf8.size() >= kChunk) return flush() && sink_(utf8);
  if (kChunk - filled_ < utf8.size() && !flush()) return false;
  std::memcpy(chunk_.get() + filled_, utf8.data(), utf8.size());
  filled_ += utf8.size();
  return true;
}

bool Utf8Stream::finish() { return put_pending() && flush(); }

bool Utf8Stream::add_narrow(const unsigned char* units, std::size_t count) {
  while (count > 0) {
    const std::string_view rest(reinterpret_cast<const char*>(units), count);
    const std::size_t ascii = engine::ascii_prefix(rest);
    if (!add(rest.substr(0, ascii))) return false;
    units += ascii;
    count -= ascii;
    for (; count > 0 && *units >= 0x80; ++units, --count) {
      if (!put(*units)) return false;
    }
  }
  return true;
}

bool Utf8Stream::add_wide(const char16_t* units, std::size_t count) {
  for (const char16_t* const end = units + count; units != end; ++units) {
    bool went_on = true;
    if (pending_ != 0 && is_low(*units)) {
      const char32_t pair = 0x10000 + ((pending_ - 0xD800U) << 10) + (*units - 0xDC00U);
      pending_ = 0;
      went_on = put(pair);
    } else {
      went_on = put_pending();
      if (is_high(*units)) {
        pending_ = *units;
      } else {
        went_on = went_on && put(is_low(*units) ? kReplacement : *units);
      }
    }
    if (!went_on) return false;
  }
  return true;
}

bool Utf8Stream::put(char32_t c) {
  if (kChunk - filled_ < kLongestSequence && !flush()) return false;
  char* out = chunk_.get() + filled_;
  const char* const start = out;
  const auto tail = [&](int shift) { *out++ = static_cast<char>(0x80 | ((c >> shift) & 0x3F)); };
  if (c < 0x80) {
    *out++ = static_cast<char>(c);
  } else if (c < 0x800) {
    *out++ = static_cast<char>(0xC0 | (c >> 6));
    tail(0);
  } else if (c < 0x10000) {
    *out++ = static_cast<char>(0xE0 | (c >> 12));
    tail(6);
    tail(0);
  } else {
    *out++ = static_cast<char>(0xF0 | (c >> 18));
    tail(12);
    tail(6);
    tail(0);
  }
  filled_ += static_cast<std::size_t>(out - start);
  return true;
}

bool Utf8Stream::put_pending() {
  if (pending_ == 0) return true;
  pending_ = 0;
  return put(kReplacement);
}

bool Utf8Stream::flush() {
  const std::string_view bytes(chunk_.get(), std::exchange(filled_, 0));
  return bytes.empty() || sink_(bytes);
}

}  // namespace dcp::runtime
