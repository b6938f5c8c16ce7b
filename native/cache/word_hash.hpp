// A fast 64-bit hash for look-up keys and torn files. It resists nobody: whatever must not be forged is compared, or
// hashed with SHA-256.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace dcp::cache {

inline std::uint64_t mix_word(std::uint64_t state, std::uint64_t word) {
  constexpr std::uint64_t multiplier = 0x9E3779B97F4A7C15;  // 2 ** 64 / golden ratio
  state = (state ^ word) * multiplier;
  return state ^ (state >> 29);
}

/// Four lanes, so that the multiplications overlap; the size is part of it.
inline std::uint64_t word_hash(std::span<const std::byte> bytes) {
  std::array<std::uint64_t, 4> lanes = {1, 2, 3, 4};
  const std::uint64_t size = bytes.size();
  while (!bytes.empty()) {
    std::array<std::uint64_t, 4> block = {};
    const std::size_t take = bytes.size() < sizeof block ? bytes.size() : sizeof block;
    std::memcpy(block.data(), bytes.data(), take);
    for (std::size_t i = 0; i < lanes.size(); ++i) lanes[i] = mix_word(lanes[i], block[i]);
    bytes = bytes.subspan(take);
  }
  std::uint64_t result = size;
  for (const std::uint64_t lane : lanes) result = mix_word(result, lane);
  return result;
}

/// What to look something up by whose bytes are all compared afterwards: a hash of its size and of samples of it, all
/// of something small, 64 KiB of something large. `sample(at, size)` gives the bytes there.
template <typename Sample>
std::uint64_t content_key(std::uint64_t whole, const Sample& sample) {
  constexpr std::uint64_t samples = 64, sample_size = 1024;
  std::uint64_t key = mix_word(samples, whole);
  const std::uint64_t step = std::max(whole / samples, sample_size);
  for (std::uint64_t at = 0; at < whole; at += step) {
    key = mix_word(key, word_hash(sample(at, static_cast<std::size_t>(std::min(sample_size, whole - at)))));
  }
  return key;
}

inline std::uint64_t content_key(std::span<const std::byte> bytes) {
  return content_key(bytes.size(), [&](std::uint64_t at, std::size_t size) { return bytes.subspan(at, size); });
}

}  // namespace dcp::cache
