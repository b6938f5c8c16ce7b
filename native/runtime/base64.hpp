// Base64 as the web has it (Infra Standard, "forgiving-base64").
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace dcp::runtime {

std::string base64_encode(std::string_view bytes);

/// The bytes; nothing when `text` is no forgiving base64 (white space and missing padding are forgiven).
std::optional<std::string> forgiving_base64_decode(std::string_view text);

/// Binary strings of JavaScript hold one byte in each character. Nothing when one is above U+00FF.
std::optional<std::string> bytes_of_binary_string(std::string_view utf8);
std::string binary_string_of_bytes(std::string_view bytes);

}  // namespace dcp::runtime
