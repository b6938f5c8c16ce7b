// log, log1p, log2, log10: x = 2^k (1 + f), sqrt(2)/2 < 1 + f < sqrt(2), and a polynomial of s = f / (2 + f).
#include <cmath>

#include "fdlibm/fdlibm.h"
#include "fdlibm/words.hpp"

namespace dcp::fdlibm {
namespace {

constexpr double kLog[] = {6.666666666666735130e-01, 3.999999999940941908e-01, 2.857142874366239149e-01,
                           2.222219843214978396e-01, 1.818357216161805012e-01, 1.531383769920937332e-01,
                           1.479819860511658591e-01};
constexpr double kLogOdd[] = {kLog[0], kLog[2], kLog[4], kLog[6]};
constexpr double kLogEven[] = {kLog[1], kLog[3], kLog[5]};

/// 2/3 s^2 + 2/5 s^4 + ..., the odd and the even powers of z = s * s apart.
double log_series(double s) {
  const double z = s * s;
  const double w = z * z;
  return z * polynomial(w, kLogOdd) + w * polynomial(w, kLogEven);
}

/// x = 2^exponent * mantissa, mantissa near 1; `fraction` is the high word's fraction as it was in x.
struct Normalized {
  int exponent;
  double mantissa;
  std::int32_t fraction;
};

/// Finite x > 0, subnormal or not.
Normalized normalize(double x) {
  constexpr std::int32_t to_root_two =
      0x95f64;  // carries into the exponent where the fraction is above that of sqrt(2)
  int k = 0;
  if (high_word(x) < kSmallestNormal) {
    k = -54;
    x *= 0x1p54;
  }
  const std::int32_t word = high_word(x);
  const std::int32_t fraction = word & kFraction;
  const std::int32_t carry = (fraction + to_root_two) & kSmallestNormal;
  k += (word >> kExponentShift) - kBias + (carry >> kExponentShift);
  return {k, with_high_word(x, fraction | (carry ^ kOne)), fraction};
}

/// The logarithm where it needs no computation: of 0, of what is negative, infinite or no number.
bool log_of_special(double x, double& result) {
  if (x == 0) {
    result = -kInfinity;
  } else if (x < 0) {
    result = kNaN;
  } else if (!std::isfinite(x)) {
    result = x;
  } else {
    return false;
  }
  return true;
}

/// |f| < 2^-20.
double log_near_one(double f, double k) {
  if (f == 0) return k == 0 ? 0.0 : k * kLn2High + k * kLn2Low;
  const double r = f * f * (0.5 - 0.33333333333333333 * f);
  return k == 0 ? f - r : k * kLn2High - ((r - k * kLn2Low) - f);
}

/// 1 + x as 2^k (1 + f), with what rounding took away.
struct Shifted {
  int k;
  double f, correction;
  bool near_one;  // |f| < 2^-20
};

Shifted shift(double x) {
  constexpr std::int32_t precise = 0x43400000, root_two = 0x6a09e;  // 2^53; fraction of sqrt(2)
  double u = x, correction = 0;
  if (high_word(x) < precise) u = 1.0 + x;
  int k = (high_word(u) >> kExponentShift) - kBias;
  if (high_word(x) < precise) correction = (k > 0 ? 1.0 - (u - x) : x - (u - 1.0)) / u;
  std::int32_t fraction = high_word(u) & kFraction;
  if (fraction < root_two) {
    u = with_high_word(u, fraction | kOne);
  } else {
    ++k;
    u = with_high_word(u, fraction | (kOne - kSmallestNormal));
    fraction = (kSmallestNormal - fraction) >> 2;
  }
  return {k, u - 1.0, correction, fraction == 0};
}

double log1p_near_one(const Shifted& shifted, double half_square) {
  const double k = shifted.k;
  if (shifted.f == 0) return k == 0 ? 0.0 : k * kLn2High + (shifted.correction + k * kLn2Low);
  const double r = half_square * (1.0 - 0.66666666666666666 * shifted.f);
  return k == 0 ? shifted.f - r : k * kLn2High - ((r - (k * kLn2Low + shifted.correction)) - shifted.f);
}

}  // namespace
}  // namespace dcp::fdlibm

using namespace dcp::fdlibm;

double fdlibm_log(double x) {
  double special;
  if (log_of_special(x, special)) return special;
  const Normalized normal = normalize(x);
  const double f = normal.mantissa - 1.0;
  const double k = normal.exponent;
  if ((kFraction & (2 + normal.fraction)) < 3) return log_near_one(f, k);
  const double s = f / (2.0 + f);
  const double series = log_series(s);
  // Between these fractions the square of f is large enough to be subtracted apart.
  if (((normal.fraction - 0x6147a) | (0x6b851 - normal.fraction)) > 0) {
    const double half_square = 0.5 * f * f;
    if (normal.exponent == 0) return f - (half_square - s * (half_square + series));
    return k * kLn2High - ((half_square - (s * (half_square + series) + k * kLn2Low)) - f);
  }
  if (normal.exponent == 0) return f - s * (f - series);
  return k * kLn2High - ((s * (f - series) - k * kLn2Low) - f);
}

double fdlibm_log1p(double x) {
  constexpr std::int32_t tiny = 0x3c900000, small = 0x3e200000;  // 2^-54, 2^-29
  constexpr std::int32_t root_two_minus_one = 0x3fda827a;
  constexpr auto half_root_two_minus_one = static_cast<std::int32_t>(0xbfd2bec4);
  if (x == -1) return -kInfinity;
  if (x < -1) return kNaN;
  if (!std::isfinite(x)) return x;
  const std::int32_t word = high_word(x), magnitude = magnitude_word(x);
  if (magnitude < tiny) return x;
  if (magnitude < small) return x - x * x * 0.5;
  const bool needs_no_shift = word < root_two_minus_one && (word > 0 || word <= half_root_two_minus_one);
  const Shifted shifted = needs_no_shift ? Shifted{0, x, 0, false} : shift(x);
  const double f = shifted.f;
  const double half_square = 0.5 * f * f;
  if (shifted.near_one) return log1p_near_one(shifted, half_square);
  const double s = f / (2.0 + f);
  const double z = s * s;
  const double series = z * polynomial(z, kLog);
  const double k = shifted.k;
  if (shifted.k == 0) return f - (half_square - s * (half_square + series));
  return k * kLn2High - ((half_square - (s * (half_square + series) + (k * kLn2Low + shifted.correction))) - f);
}

double fdlibm_log2(double x) {
  constexpr double inverse_high = 1.44269504072144627571e+00, inverse_low = 1.67517131648865118353e-10;  // 1 / ln 2
  double special;
  if (log_of_special(x, special)) return special;
  if (x == 1) return 0;
  const Normalized normal = normalize(x);
  const double f = normal.mantissa - 1.0;
  const double k = normal.exponent;
  const double half_square = 0.5 * f * f;
  const double s = f / (2.0 + f);
  const double r = s * (half_square + log_series(s));
  // The difference, and then the sum with k, in two parts: both cancel near sqrt(2).
  const double high = truncated(f - half_square);
  const double low = (f - high) - half_square + r;
  const double product_high = high * inverse_high;
  const double product_low = (low + high) * inverse_low + low * inverse_high;
  const double sum = k + product_high;
  return (product_low + ((k - sum) + product_high)) + sum;
}

double fdlibm_log10(double x) {
  constexpr double inverse_ln10 = 4.34294481903251816668e-01;
  constexpr double log10_2_high = 3.01029995663611771306e-01, log10_2_low = 3.69423907715893078616e-13;
  double special;
  if (log_of_special(x, special)) return special;
  if (x == 1) return 0;
  int k = 0;
  if (high_word(x) < kSmallestNormal) {
    k = -54;
    x *= 0x1p54;
  }
  k += (high_word(x) >> kExponentShift) - kBias;
  const std::int32_t below_one = k < 0 ? 1 : 0;
  const double y = k + below_one;
  const double mantissa = with_high_word(x, (high_word(x) & kFraction) | ((kBias - below_one) << kExponentShift));
  const double z = y * log10_2_low + inverse_ln10 * fdlibm_log(mantissa);
  return z + y * log10_2_high;
}
