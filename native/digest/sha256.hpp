// SHA-256 (FIPS 180-4).
#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <string>

namespace dcp::digest {

using Digest = std::array<std::byte, 32>;

Digest sha256(std::span<const std::byte> bytes);

/// 64 digits, as sha256sum(1) writes them.
std::string hexadecimal(const Digest& digest);

}  // namespace dcp::digest
