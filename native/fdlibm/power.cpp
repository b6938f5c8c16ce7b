// pow: log2 |x| in two parts, times y in two parts, and 2 to that power.
#include <cmath>

#include "fdlibm/fdlibm.h"
#include "fdlibm/words.hpp"

namespace dcp::fdlibm {
namespace {

struct Split {
  double high, low;
};

enum class Parity { no_integer, odd, even };

Parity parity(double y) {
  if (std::trunc(y) != y) return Parity::no_integer;
  return std::fmod(y, 2.0) == 0 ? Parity::even : Parity::odd;
}

/// log2(x) for |1 - x| <= 2^-20, as the first terms of the series.
Split log2_near_one(double x) {
  constexpr double inverse_high = 1.44269502162933349609e+00, inverse_low = 1.92596299112661746887e-08;  // 1 / ln 2
  const double t = x - 1.0;
  const double w = (t * t) * (0.5 - t * (0.3333333333333333333333 - t * 0.25));
  const double u = inverse_high * t;
  const double v = t * inverse_low - w * kInverseLn2;
  const double high = truncated(u + v);
  return {high, v - (high - u)};
}

// 2 / (3 ln 2), and its parts.
constexpr double kFactor = 9.61796693925975554329e-01, kFactorHigh = 9.61796700954437255859e-01,
                 kFactorLow = -7.02846165095275826516e-09;

/// Where the series begins: at 1 or at 3/2, with the logarithm of that.
struct Base {
  double at, log2_high, log2_low;
};
constexpr Base kBases[] = {{1.0, 0.0, 0.0}, {1.5, 5.84962487220764160156e-01, 1.35003920212974897128e-08}};

/// x = 2^exponent * mantissa, mantissa near kBases[base].at.
struct Normalized {
  int exponent;
  double mantissa;
  int base;
};

Normalized normalize(double x) {
  constexpr std::int32_t root_three_halves = 0x3988e, root_three = 0xbb67a;  // fractions of sqrt(3/2), sqrt(3)
  int n = 0;
  if (high_word(x) < kSmallestNormal) {
    x *= 0x1p53;
    n = -53;
  }
  n += (high_word(x) >> kExponentShift) - kBias;
  const std::int32_t fraction = high_word(x) & kFraction;
  const double mantissa = with_high_word(x, fraction | kOne);
  if (fraction <= root_three_halves) return {n, mantissa, 0};
  if (fraction < root_three) return {n, mantissa, 1};
  return {n + 1, with_high_word(x, (fraction | kOne) - kSmallestNormal), 0};
}

Split log2_of(double x) {
  constexpr double series[] = {5.99999999999994648725e-01, 4.28571428578550184252e-01, 3.33333329818377432918e-01,
                               2.72728123808534006489e-01, 2.30660745775561754067e-01, 2.06975017800338417784e-01};
  const Normalized normal = normalize(x);
  const Base& base = kBases[normal.base];
  const double m = normal.mantissa;

  // s = (m - base) / (m + base), in two parts.
  const double u = m - base.at;
  const double v = 1.0 / (m + base.at);
  const double s = u * v;
  const double s_high = truncated(s);
  const std::int32_t sum_word = ((high_word(m) >> 1) | 0x20000000) + 0x00080000 + (normal.base << 18);
  const double sum_high = from_words(sum_word, 0);  // of m + base
  const double sum_low = m - (sum_high - base.at);
  const double s_low = v * ((u - s_high * sum_high) - s_high * sum_low);

  // 3/2 * log(m / base) = s * (3 + s^2 + ...)
  const double square = s * s;
  const double rest = square * square * polynomial(square, series) + s_low * (s_high + s);
  const double square_high = s_high * s_high;
  const double t_high = truncated(3.0 + square_high + rest);
  const double t_low = rest - ((t_high - 3.0) - square_high);
  const double product = s_high * t_high;
  const double product_low = s_low * t_high + t_low * s;
  const double p_high = truncated(product + product_low);
  const double p_low = product_low - (p_high - product);

  const double z_high = kFactorHigh * p_high;
  const double z_low = kFactorLow * p_high + p_low * kFactor + base.log2_low;
  const double n = normal.exponent;
  const double high = truncated(((z_high + z_low) + base.log2_high) + n);
  return {high, z_low - (((high - n) - base.log2_high) - z_high)};
}

/// 2^(high + low), where `sum` is their sum rounded and neither over- nor underflows.
double exp2_of(double high, double low, double sum) {
  constexpr double ln2_high = 6.93147182464599609375e-01, ln2_low = -1.90465429995776804525e-09;
  constexpr double p[] = {1.66666666666666019037e-01, -2.77777777770155933842e-03, 6.61375632143793436117e-05,
                          -1.65339022054652515390e-06, 4.13813679705723846039e-08};
  constexpr std::int32_t half = 0x3fe00000;
  int n = 0;
  if (magnitude_word(sum) > half) {
    // n: the nearest integer, from the bits of sum + 1/2.
    const int exponent = (magnitude_word(sum) >> kExponentShift) - kBias;
    const std::int32_t rounded = high_word(sum) + (kSmallestNormal >> (exponent + 1));
    const int k = ((rounded & kMagnitude) >> kExponentShift) - kBias;
    high -= from_words(rounded & ~(kFraction >> k), 0);
    n = ((rounded & kFraction) | kSmallestNormal) >> (kExponentShift - k);
    if (sum < 0) n = -n;
  }
  const double t = truncated(low + high);
  const double u = t * ln2_high;
  const double v = (low - (t - high)) * kLn2 + t * ln2_low;
  const double z = u + v;
  const double w = v - (z - u);
  const double square = z * z;
  const double t1 = z - square * polynomial(square, p);
  // fdlibm subtracts the last term from the quotient; V8 from the divisor, and V8 is followed.
  const double r = (z * t1) / ((t1 - 2.0) - (w + z * w));
  const double result = 1.0 - (r - z);
  const std::int32_t word = high_word(result) + n * (1 << kExponentShift);
  return (word >> kExponentShift) <= 0 ? std::scalbn(result, n) : with_high_word(result, word);
}

/// |x|^y for positive finite x, finite y.
double power_of_positive(double x, double y) {
  constexpr double above = 8.0085662595372944372e-17;               // -(1024 - log2(overflow + half a unit))
  constexpr std::int32_t huge = 0x41e00000, enormous = 0x43f00000;  // 2^31, 2^64
  constexpr std::int32_t below_one = 0x3fefffff;
  const std::int32_t x_word = high_word(x), y_word = magnitude_word(y);
  Split log2;
  if (y_word > huge) {
    if (x_word < below_one || (y_word > enormous && x_word == below_one)) return y < 0 ? kInfinity : 0.0;
    if (x_word > kOne || (y_word > enormous && x_word == kOne)) return y > 0 ? kInfinity : 0.0;
    log2 = log2_near_one(x);
  } else {
    log2 = log2_of(x);
  }
  const double y_high = truncated(y);
  const double low = (y - y_high) * log2.high + y * log2.low;
  const double high = y_high * log2.high;
  const double sum = low + high;
  if (sum > 1024 || (sum == 1024 && low + above > sum - high)) return kInfinity;
  if (sum < -1075 || (sum == -1075 && low <= sum - high)) return 0;
  return exp2_of(high, low, sum);
}

/// y is infinite.
double power_to_infinity(double x, double y) {
  const double magnitude = std::fabs(x);
  if (magnitude == 1) return kNaN;
  return (magnitude > 1) == (y > 0) ? kInfinity : 0.0;
}

}  // namespace
}  // namespace dcp::fdlibm

using namespace dcp::fdlibm;

double fdlibm_pow(double x, double y) {
  if (y == 0) return 1;
  if (std::isnan(x) || std::isnan(y)) return kNaN;
  if (std::isinf(y)) return power_to_infinity(x, y);
  if (y == 1) return x;
  if (y == -1) return 1.0 / x;
  if (y == 2) return x * x;
  if (y == 0.5 && !std::signbit(x)) return std::sqrt(x);
  const double magnitude = std::fabs(x);
  const bool negative = std::signbit(x);
  const Parity exponent = negative ? parity(y) : Parity::even;
  if (magnitude == 0 || magnitude == 1 || std::isinf(magnitude)) {
    const double z = y < 0 ? 1.0 / magnitude : magnitude;
    if (x == -1 && exponent == Parity::no_integer) return kNaN;
    return exponent == Parity::odd ? -z : z;
  }
  if (exponent == Parity::no_integer) return kNaN;
  const double z = power_of_positive(magnitude, y);
  return exponent == Parity::odd ? -z : z;
}
