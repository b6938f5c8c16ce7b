// The two halves of a double, and polynomials: what the algorithms of fdlibm are written in.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>

namespace dcp::fdlibm {

inline constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
inline constexpr double kInfinity = std::numeric_limits<double>::infinity();

inline constexpr std::int32_t kMagnitude = 0x7fffffff;  ///< a high word without its sign
inline constexpr std::int32_t kFraction = 0x000fffff;   ///< the fraction's bits in a high word
inline constexpr std::int32_t kInfinite = 0x7ff00000;   ///< high words of infinity; NaNs have it or more
inline constexpr std::int32_t kOne = 0x3ff00000;        ///< high word of 1
inline constexpr std::int32_t kSmallestNormal = 0x00100000;
inline constexpr int kExponentShift = 20;  ///< where the exponent begins in a high word
inline constexpr int kBias = 1023;

// ln 2 in two parts; the first has trailing zeros, so that its product with an exponent is exact.
inline constexpr double kLn2High = 6.93147180369123816490e-01;
inline constexpr double kLn2Low = 1.90821492927058770002e-10;
inline constexpr double kLn2 = 6.93147180559945286227e-01;
inline constexpr double kInverseLn2 = 1.44269504088896338700e+00;

/// Sign, exponent and the upper 20 bits of the fraction.
inline std::int32_t high_word(double x) { return static_cast<std::int32_t>(std::bit_cast<std::uint64_t>(x) >> 32); }

inline std::uint32_t low_word(double x) { return static_cast<std::uint32_t>(std::bit_cast<std::uint64_t>(x)); }

/// High word of |x|.
inline std::int32_t magnitude_word(double x) { return high_word(x) & kMagnitude; }

inline double from_words(std::int32_t high, std::uint32_t low) {
  return std::bit_cast<double>(std::uint64_t{static_cast<std::uint32_t>(high)} << 32 | low);
}

inline double with_high_word(double x, std::int32_t high) { return from_words(high, low_word(x)); }

/// x with the lower 32 bits of its fraction cleared: products of two such numbers are exact.
inline double truncated(double x) { return from_words(high_word(x), 0); }

/// 2^exponent, for exponents of normal numbers.
inline double power_of_two(int exponent) { return from_words((kBias + exponent) * (1 << kExponentShift), 0); }

/// c[0] + z * (c[1] + z * (c[2] + ...)), in this order.
template <std::size_t N>
inline double polynomial(double z, const double (&c)[N]) {
  double sum = c[N - 1];
  for (std::size_t i = N - 1; i-- > 0;) sum = c[i] + z * sum;
  return sum;
}

}  // namespace dcp::fdlibm
