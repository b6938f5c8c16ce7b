// The numbers behind Math.random, in the place of V8's own: those come from a seed of 31 bits, which can be set once. A
// sandbox is a fork of the zygote, and must draw what no other draws.
#pragma once

#include <v8.h>

#include <cstdint>
#include <memory>
#include <span>

namespace dcp::engine::v8engine {

/// xorshift128+ (Vigna, "Further scramblings of Marsaglia's xorshift generators", 2014), as V8 has it, with a seed of
/// 128 bits from the kernel. Math.random takes numbers from a store that this fills, which V8 compiles into its
/// callers.
class RandomNumbers {
 public:
  RandomNumbers() { seed(); }

  /// Anew; what is in the store is forgotten. Throws std::runtime_error.
  void seed();
  /// Numbers from 0 to 1, without 1.
  void fill(std::span<double> numbers);

  /// For contexts in which Math.random is this one: `of` gives the numbers of an isolate.
  static v8::ExtensionConfiguration* extension(RandomNumbers& (*of)(v8::Isolate* isolate));

 private:
  class Extension;
  std::uint64_t next();

  std::uint64_t state_[2] = {};
  std::shared_ptr<v8::BackingStore> left_;  ///< how many numbers the store has: one std::int32_t; null before the first
};

}  // namespace dcp::engine::v8engine
