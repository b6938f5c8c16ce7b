// exp, expm1: x = k ln 2 + r, |r| <= ln 2 / 2, and a rational function of r.
#include <cmath>

#include "fdlibm/fdlibm.h"
#include "fdlibm/words.hpp"

namespace dcp::fdlibm {
namespace {

constexpr double kOverflow = 7.09782712893383973096e+02, kUnderflow = -7.45133219101941108420e+02;
constexpr double kE = 2.718281828459045;
constexpr std::int32_t kHalfLn2Word = 0x3fd62e42;
constexpr std::int32_t kThreeHalvesLn2Word = 0x3ff0a2b2;

/// x = k ln 2 + (high - low).
struct Reduced {
  int k;
  double high, low;
};

/// |x| > ln 2 / 2.
Reduced reduce(double x) {
  const bool negative = x < 0;
  if (magnitude_word(x) < kThreeHalvesLn2Word) {
    return negative ? Reduced{-1, x + kLn2High, -kLn2Low} : Reduced{1, x - kLn2High, kLn2Low};
  }
  const int k = static_cast<int>(kInverseLn2 * x + (negative ? -0.5 : 0.5));
  const double multiple = k;
  return {k, x - multiple * kLn2High, multiple * kLn2Low};
}

/// y * 2^k, the result being subnormal or just representable at the ends.
double scale(double y, int k) {
  if (k == 1024) return y * 2.0 * 0x1p1023;
  if (k >= -1021) return y * power_of_two(k);
  return y * power_of_two(k + 1000) * 0x1p-1000;
}

/// expm1(r + correction) * 2^k + 2^k - 1, from r and the error terms of its rational function.
double scale_minus_one(double r, double error, int k) {
  if (k == -1) return 0.5 * (r - error) - 0.5;
  if (k == 1) return r < -0.25 ? -2.0 * (error - (r + 0.5)) : 1.0 + 2.0 * (r - error);
  if (k <= -2 || k > 56) {
    const double y = 1.0 - (error - r);
    return (k == 1024 ? y * 2.0 * 0x1p1023 : y * power_of_two(k)) - 1.0;
  }
  const double y = k < 20 ? (1.0 - power_of_two(-k)) - (error - r) : (r - (error + power_of_two(-k))) + 1.0;
  return y * power_of_two(k);
}

}  // namespace
}  // namespace dcp::fdlibm

using namespace dcp::fdlibm;

double fdlibm_exp(double x) {
  constexpr double p[] = {1.66666666666666019037e-01, -2.77777777770155933842e-03, 6.61375632143793436117e-05,
                          -1.65339022054652515390e-06, 4.13813679705723846039e-08};
  constexpr std::int32_t tiny = 0x3e300000;  // 2^-28
  if (std::isnan(x)) return x;
  if (x > kOverflow) return kInfinity;
  if (x < kUnderflow) return 0;
  const std::int32_t magnitude = magnitude_word(x);
  if (magnitude < tiny) return 1.0 + x;
  if (x == 1.0) return kE;  // the rational function misses the last bit
  const Reduced reduced = magnitude > kHalfLn2Word ? reduce(x) : Reduced{0, x, 0};
  const double r = reduced.k == 0 ? x : reduced.high - reduced.low;
  const double t = r * r;
  const double c = r - t * polynomial(t, p);
  if (reduced.k == 0) return 1.0 - ((r * c) / (c - 2.0) - r);
  return scale(1.0 - ((reduced.low - (r * c) / (2.0 - c)) - reduced.high), reduced.k);
}

double fdlibm_expm1(double x) {
  constexpr double q[] = {1.0,
                          -3.33333333333331316428e-02,
                          1.58730158725481460165e-03,
                          -7.93650757867487942473e-05,
                          4.00821782732936239552e-06,
                          -2.01099218183624371326e-07};
  constexpr std::int32_t tiny = 0x3c900000, minus_one = 0x4043687a;  // 2^-54, 56 ln 2
  if (std::isnan(x)) return x;
  if (x > kOverflow) return kInfinity;
  const std::int32_t magnitude = magnitude_word(x);
  if (x < 0 && magnitude >= minus_one) return -1;
  if (magnitude < tiny) return x;
  const bool reduces = magnitude > kHalfLn2Word;
  const Reduced reduced = reduces ? reduce(x) : Reduced{0, x, 0};
  const double r = reduces ? reduced.high - reduced.low : x;
  const double half = 0.5 * r;
  const double hxs = r * half;
  const double r1 = polynomial(hxs, q);
  const double t = 3.0 - r1 * half;
  const double e = hxs * ((r1 - t) / (6.0 - r * t));
  if (reduced.k == 0) return r - (r * e - hxs);
  const double correction = (reduced.high - r) - reduced.low;
  return scale_minus_one(r, (r * (e - correction) - correction) - hxs, reduced.k);
}
