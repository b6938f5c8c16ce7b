// SHA-256 (FIPS 180-4): what is the same where nobody may make it so.
#pragma once

#include <array>
#include <cstddef>
#include <span>

namespace dcp::cache {

using Digest = std::array<std::byte, 32>;

Digest sha256(std::span<const std::byte> bytes);

}  // namespace dcp::cache
