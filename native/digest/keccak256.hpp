// Keccak-256 as Ethereum has it: Keccak as it won the competition, rate 1088. SHA-3 (FIPS 202) pads otherwise.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace dcp::digest {

/// Takes the bytes in pieces.
class Keccak256 {
 public:
  using Digest = std::array<std::byte, 32>;

  void update(std::span<const std::byte> bytes);
  /// The hash of all bytes so far. More may follow.
  Digest digest() const;

 private:
  static constexpr std::size_t kRate = 136;

  std::array<std::uint64_t, 25> state_{};
  std::array<std::byte, kRate> block_{};
  std::size_t filled_ = 0;
};

}  // namespace dcp::digest
