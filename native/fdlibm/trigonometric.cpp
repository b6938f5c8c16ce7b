// sin, cos, tan: polynomials on [-pi/4, pi/4].
#include <cmath>

#include "fdlibm/fdlibm.h"
#include "fdlibm/trigonometric_reduction.hpp"
#include "fdlibm/words.hpp"

namespace dcp::fdlibm {
namespace {

constexpr std::int32_t kQuarterPiWord = 0x3fe921fb;
constexpr std::int32_t kTinySineWord = 0x3e400000;     // 2^-27
constexpr std::int32_t kTinyTangentWord = 0x3e300000;  // 2^-28

constexpr double kSine[] = {-1.66666666666666324348e-01, 8.33333333332248946124e-03,  -1.98412698298579493134e-04,
                            2.75573137070700676789e-06,  -2.50507602534068634195e-08, 1.58969099521155010221e-10};
constexpr double kCosine[] = {4.16666666666666019037e-02,  -1.38888888888741095749e-03, 2.48015872894767294178e-05,
                              -2.75573143513906633035e-07, 2.08757232129817482790e-09,  -1.13596475577881948265e-11};

double sine_tail_polynomial(double z) {
  constexpr double rest[] = {kSine[1], kSine[2], kSine[3], kSine[4], kSine[5]};
  return polynomial(z, rest);
}

/// |x| <= pi/4.
double sine_of_small(double x) {
  if (magnitude_word(x) < kTinySineWord) return x;
  const double z = x * x;
  return x + z * x * (kSine[0] + z * sine_tail_polynomial(z));
}

double sine_of_reduced(double x, double tail) {
  if (magnitude_word(x) < kTinySineWord) return x;
  const double z = x * x;
  const double cube = z * x;
  return x - ((z * (0.5 * tail - cube * sine_tail_polynomial(z)) - tail) - cube * kSine[0]);
}

double cosine_of_reduced(double x, double tail) {
  constexpr std::int32_t three_tenths = 0x3fd33333, near_quarter_pi = 0x3fe90000;
  const std::int32_t magnitude = magnitude_word(x);
  if (magnitude < kTinySineWord) return 1;
  const double z = x * x;
  const double r = z * polynomial(z, kCosine);
  if (magnitude < three_tenths) return 1 - (0.5 * z - (z * r - x * tail));
  // About x/4 is taken from 1 and from z/2 first, both exactly.
  const double quarter = magnitude > near_quarter_pi ? 0.28125 : from_words(magnitude - 0x00200000, 0);
  return (1 - quarter) - ((0.5 * z - quarter) - (z * r - x * tail));
}

constexpr double kTangentFirst = 3.33333333333334091986e-01;
constexpr double kTangentOdd[] = {1.33333333333201242699e-01, 2.18694882948595424599e-02, 3.59207910759131235356e-03,
                                  5.88041240820264096874e-04, 7.81794442939557092300e-05, -1.85586374855275456654e-05};
constexpr double kTangentEven[] = {5.39682539762260521377e-02, 8.86323982359930005737e-03, 1.45620945432529025516e-03,
                                   2.46463134818469906812e-04, 7.14072491382608190305e-05, 2.59073051863633712884e-05};
constexpr double kQuarterPi = 7.85398163397448278999e-01, kQuarterPiLow = 3.06161699786838301793e-17;

/// -1 / (sum), where sum is head + tail rounded.
double negative_reciprocal(double sum, double head, double tail) {
  const double high = truncated(sum);
  const double low = tail - (high - head);
  const double quotient = -1.0 / sum;
  const double rounded = truncated(quotient);
  return rounded + quotient * ((1.0 + rounded * high) + rounded * low);
}

/// tan(x + tail), or -1 / tan(x + tail) where `reciprocal`.
double tangent_of_reduced(double x, double tail, bool reciprocal) {
  constexpr std::int32_t near_quarter_pi = 0x3fe59428;  // 0.6744
  const std::int32_t magnitude = magnitude_word(x);
  const bool negative = high_word(x) < 0;
  if (magnitude < kTinyTangentWord) return reciprocal ? negative_reciprocal(x + tail, x, tail) : x;
  const bool near = magnitude >= near_quarter_pi;
  if (near) {
    if (negative) {
      x = -x;
      tail = -tail;
    }
    x = (kQuarterPi - x) + (kQuarterPiLow - tail);
    tail = 0;
  }
  const double z = x * x;
  const double w = z * z;
  const double cube = z * x;
  const double rest = tail + z * (cube * (polynomial(w, kTangentOdd) + z * polynomial(w, kTangentEven)) + tail);
  const double r = rest + kTangentFirst * cube;
  const double tangent = x + r;
  if (near) {
    const double sign = reciprocal ? -1 : 1;
    return (negative ? -1 : 1) * (sign - 2.0 * (x - (tangent * tangent / (tangent + sign) - r)));
  }
  return reciprocal ? negative_reciprocal(tangent, x, r) : tangent;
}

}  // namespace
}  // namespace dcp::fdlibm

using namespace dcp::fdlibm;

double fdlibm_sin(double x) {
  const std::int32_t magnitude = magnitude_word(x);
  if (magnitude <= kQuarterPiWord) return sine_of_small(x);
  if (magnitude >= kInfinite) return kNaN;
  const ReducedAngle angle = reduce_angle(x);
  switch (angle.quadrant & 3) {
    case 0:
      return sine_of_reduced(angle.head, angle.tail);
    case 1:
      return cosine_of_reduced(angle.head, angle.tail);
    case 2:
      return -sine_of_reduced(angle.head, angle.tail);
    default:
      return -cosine_of_reduced(angle.head, angle.tail);
  }
}

double fdlibm_cos(double x) {
  const std::int32_t magnitude = magnitude_word(x);
  if (magnitude <= kQuarterPiWord) return cosine_of_reduced(x, 0);
  if (magnitude >= kInfinite) return kNaN;
  const ReducedAngle angle = reduce_angle(x);
  switch (angle.quadrant & 3) {
    case 0:
      return cosine_of_reduced(angle.head, angle.tail);
    case 1:
      return -sine_of_reduced(angle.head, angle.tail);
    case 2:
      return -cosine_of_reduced(angle.head, angle.tail);
    default:
      return sine_of_reduced(angle.head, angle.tail);
  }
}

double fdlibm_tan(double x) {
  const std::int32_t magnitude = magnitude_word(x);
  if (magnitude <= kQuarterPiWord) return tangent_of_reduced(x, 0, false);
  if (magnitude >= kInfinite) return kNaN;
  const ReducedAngle angle = reduce_angle(x);
  return tangent_of_reduced(angle.head, angle.tail, (angle.quadrant & 1) != 0);
}
