// SHA-256 (FIPS 180-4), by which the log names a shader as sha256sum(1) does.
#pragma once

#include <string>
#include <string_view>

namespace dcp::gpu {

/// 64 hexadecimal digits.
std::string sha256(std::string_view bytes);

}  // namespace dcp::gpu
