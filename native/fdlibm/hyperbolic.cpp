// sinh, cosh, tanh on expm1 and exp; asinh, acosh, atanh on log and log1p.
#include <cmath>

#include "fdlibm/fdlibm.h"
#include "fdlibm/words.hpp"

namespace dcp::fdlibm {
namespace {

constexpr double kOverflow = 710.4758600739439;      // above it sinh and cosh are infinite
constexpr double kLargestExponent = 709.7822265625;  // below it exp is finite
constexpr double kTwoMinus28 = 0x1p-28, kTwo28 = 0x1p28;
constexpr double kExponentialsDiffer = 22;  // from here on exp(-x) does not count beside exp(x)

}  // namespace
}  // namespace dcp::fdlibm

using namespace dcp::fdlibm;

double fdlibm_sinh(double x) {
  const double half = x < 0 ? -0.5 : 0.5;
  const double magnitude = std::fabs(x);
  if (magnitude < kTwoMinus28) return x;
  if (magnitude < kExponentialsDiffer) {
    const double t = fdlibm_expm1(magnitude);
    return magnitude < 1 ? half * (2 * t - t * t / (t + 1)) : half * (t + t / (t + 1));
  }
  if (magnitude < kLargestExponent) return half * fdlibm_exp(magnitude);
  if (magnitude <= kOverflow) {
    const double w = fdlibm_exp(0.5 * magnitude);
    return half * w * w;
  }
  return x * kInfinity;
}

double fdlibm_cosh(double x) {
  constexpr std::int32_t half_ln2 = 0x3fd62e43, tiny = 0x3c800000, large = 0x40862e42;
  const std::int32_t word = magnitude_word(x);
  const double magnitude = std::fabs(x);
  if (word < half_ln2) {
    const double t = fdlibm_expm1(magnitude);
    const double w = 1.0 + t;
    return word < tiny ? w : 1.0 + (t * t) / (w + w);
  }
  if (magnitude < kExponentialsDiffer) {
    const double t = fdlibm_exp(magnitude);
    return 0.5 * t + 0.5 / t;
  }
  if (word < large) return 0.5 * fdlibm_exp(magnitude);
  if (magnitude <= kOverflow) {
    const double w = fdlibm_exp(0.5 * magnitude);
    return 0.5 * w * w;
  }
  return magnitude * kInfinity;
}

double fdlibm_tanh(double x) {
  const double magnitude = std::fabs(x);
  if (std::isnan(x) || magnitude < kTwoMinus28) return x;
  if (magnitude >= kExponentialsDiffer) return std::copysign(1.0, x);
  if (magnitude >= 1) return std::copysign(1.0 - 2.0 / (fdlibm_expm1(2.0 * magnitude) + 2.0), x);
  const double t = fdlibm_expm1(-2.0 * magnitude);
  return std::copysign(-t / (t + 2.0), x);
}

double fdlibm_asinh(double x) {
  constexpr std::int32_t two = 0x40000000, large = 0x41b00000;
  const std::int32_t word = magnitude_word(x);
  const double magnitude = std::fabs(x);
  if (!std::isfinite(x) || magnitude < kTwoMinus28) return x;
  const double square = x * x;
  double result;
  if (word > large) {
    result = fdlibm_log(magnitude) + kLn2;
  } else if (word > two) {
    result = fdlibm_log(2.0 * magnitude + 1.0 / (std::sqrt(square + 1.0) + magnitude));
  } else {
    result = fdlibm_log1p(magnitude + square / (1.0 + std::sqrt(1.0 + square)));
  }
  return std::copysign(result, x);
}

double fdlibm_acosh(double x) {
  constexpr std::int32_t two = 0x40000000;
  if (!(x >= 1)) return kNaN;
  if (std::isinf(x)) return x;
  if (x >= kTwo28) return fdlibm_log(x) + kLn2;
  if (x == 1) return 0;
  if (high_word(x) > two) return fdlibm_log(2.0 * x - 1.0 / (x + std::sqrt(x * x - 1.0)));
  const double t = x - 1.0;
  return fdlibm_log1p(t + std::sqrt(2.0 * t + t * t));
}

double fdlibm_atanh(double x) {
  const double magnitude = std::fabs(x);
  if (!(magnitude <= 1)) return kNaN;
  if (magnitude == 1) return std::copysign(kInfinity, x);
  if (magnitude < kTwoMinus28) return x;
  const double twice = magnitude + magnitude;
  const double argument = magnitude < 0.5 ? twice + twice * magnitude / (1.0 - magnitude) : twice / (1.0 - magnitude);
  return std::copysign(0.5 * fdlibm_log1p(argument), x);
}
