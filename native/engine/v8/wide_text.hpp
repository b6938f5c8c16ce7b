// UTF-8 as the code units that JavaScript has.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string_view>

namespace dcp::engine::v8engine {

struct WideText {
  std::unique_ptr<char16_t[]> units;
  std::size_t size;
};

/// Nothing where the text is not valid UTF-8, or has only characters that a byte has room for. Made for texts of
/// megabytes that are mostly ASCII, over which V8 goes twice, byte by byte.
std::optional<WideText> wide_text(std::string_view utf8);

}  // namespace dcp::engine::v8engine
