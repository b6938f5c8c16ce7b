// cbrt: a third of the exponent's bits, a polynomial to 23 bits, one step of Newton.
#include <cmath>

#include "fdlibm/fdlibm.h"
#include "fdlibm/words.hpp"

namespace dcp::fdlibm {
namespace {

constexpr std::int32_t kBiasThird = 715094163;           // (1023 - 1023/3 - 0.03306235651) * 2^20
constexpr std::int32_t kBiasThirdSubnormal = 696219795;  // the same for a number that was scaled by 2^54

/// To 5 bits, for positive x.
double rough(double x) {
  if (high_word(x) >= kSmallestNormal) return from_words(high_word(x) / 3 + kBiasThird, 0);
  return from_words(high_word(x * 0x1p54) / 3 + kBiasThirdSubnormal, 0);
}

/// Away from zero, to 23 bits: its square is exact.
double rounded_up(double t) {
  return std::bit_cast<double>((std::bit_cast<std::uint64_t>(t) + 0x80000000u) & 0xffffffffc0000000u);
}

}  // namespace
}  // namespace dcp::fdlibm

using namespace dcp::fdlibm;

double fdlibm_cbrt(double x) {
  constexpr double low[] = {1.87595182427177009643, -1.88497979543377169875, 1.621429720105354466140};
  constexpr double high[] = {-0.758397934778766047437, 0.145996192886612446982};
  if (x == 0 || !std::isfinite(x)) return x;
  const double magnitude = std::fabs(x);
  double t = rough(magnitude);
  const double r = (t * t) * (t / magnitude);
  t = rounded_up(t * (polynomial(r, low) + ((r * r) * r) * polynomial(r, high)));
  const double quotient = magnitude / (t * t);
  return std::copysign(t + t * ((quotient - t) / ((t + t) + quotient)), x);
}
