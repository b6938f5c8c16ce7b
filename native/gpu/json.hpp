// Just enough JSON to print.
#pragma once

#include <cstdio>
#include <string>
#include <string_view>

namespace dcp::gpu {

inline std::string json_string(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    if (static_cast<unsigned char>(c) < 0x20) {
      char escape[8];
      std::snprintf(escape, sizeof escape, "\\u%04x", c);
      out += escape;
    } else {
      out += c;
    }
  }
  return out + "\"";
}

/// Items between `open` and `close`, with commas.
class JsonList {
 public:
  JsonList(char open, char close) : text_(1, open), close_(close) {}
  JsonList& item(const std::string& json) {
    if (text_.size() > 1) text_ += ", ";
    text_ += json;
    return *this;
  }
  JsonList& field(std::string_view name, const std::string& json) { return item(json_string(name) + ": " + json); }
  std::string text() const { return text_ + close_; }

 private:
  std::string text_;
  char close_;
};

}  // namespace dcp::gpu
