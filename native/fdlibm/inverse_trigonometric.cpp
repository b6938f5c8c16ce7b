// asin, acos, atan, atan2.
#include <cmath>

#include "fdlibm/fdlibm.h"
#include "fdlibm/words.hpp"

namespace dcp::fdlibm {
namespace {

constexpr double kPi = 3.14159265358979311600e+00, kPiLow = 1.2246467991473531772e-16;
constexpr double kHalfPi = 1.57079632679489655800e+00, kHalfPiLow = 6.12323399573676603587e-17;
constexpr double kQuarterPi = 7.85398163397448278999e-01;
constexpr std::int32_t kHalf = 0x3fe00000;

/// (asin(x) - x) / x, of z = x * x, for |x| <= 1/2.
double arcsine_ratio(double z) {
  constexpr double numerator[] = {1.66666666666666657415e-01,  -3.25565818622400915405e-01, 2.01212532134862925881e-01,
                                  -4.00555345006794114027e-02, 7.91534994289814532176e-04,  3.47933107596021167570e-05};
  constexpr double denominator[] = {1.0, -2.40339491173441421878e+00, 2.02094576023350569471e+00,
                                    -6.88283971605453293030e-01, 7.70381505559019352791e-02};
  return z * polynomial(z, numerator) / polynomial(z, denominator);
}

/// asin of |x| in [1/2, 1): pi/2 - 2 asin(sqrt((1 - |x|) / 2)).
double arcsine_near_one(double x) {
  constexpr std::int32_t very_near = 0x3fef3333;  // 0.975
  const double t = (1.0 - std::fabs(x)) * 0.5;
  const double ratio = arcsine_ratio(t);
  const double root = std::sqrt(t);
  if (magnitude_word(x) >= very_near) return kHalfPi - (2.0 * (root + root * ratio) - kHalfPiLow);
  const double high = truncated(root);
  const double correction = (t - high * high) / (root + high);
  const double p = 2.0 * root * ratio - (kHalfPiLow - 2.0 * correction);
  return kQuarterPi - (p - (kQuarterPi - 2.0 * high));
}

bool is_one(double x) { return std::fabs(x) == 1; }

/// Where arctangents are known, and how x is moved there: atan(x) = at(k) + atan(moved x).
struct KnownArctangent {
  double high, low;
};
constexpr KnownArctangent kKnown[] = {{4.63647609000806093515e-01, 2.26987774529616870924e-17},   // of 1/2
                                      {7.85398163397448278999e-01, 3.06161699786838301793e-17},   // of 1
                                      {9.82793723247329054082e-01, 1.39033110312309984516e-17},   // of 3/2
                                      {1.57079632679489655800e+00, 6.12323399573676603587e-17}};  // of infinity

double arctangent_polynomial(double x) {
  constexpr double odd[] = {3.33333333333329318027e-01, 1.42857142725034663711e-01, 9.09088713343650656196e-02,
                            6.66107313738753120669e-02, 4.97687799461593236017e-02, 1.62858201153657823623e-02};
  constexpr double even[] = {-1.99999999998764832476e-01, -1.11111104054623557880e-01, -7.69187620504482999495e-02,
                             -5.83357013379057348645e-02, -3.65315727442169155270e-02};
  const double z = x * x;
  const double w = z * z;
  return x * (z * polynomial(w, odd) + w * polynomial(w, even));
}

double arctangent_near(const KnownArctangent& known, double moved) {
  return known.high - ((arctangent_polynomial(moved) - known.low) - moved);
}

double arctangent_of_positive(double x) {
  const std::int32_t word = high_word(x);
  if (word < 0x3fe60000) return arctangent_near(kKnown[0], (2.0 * x - 1.0) / (2.0 + x));  // 11/16
  if (word < 0x3ff30000) return arctangent_near(kKnown[1], (x - 1.0) / (x + 1.0));        // 19/16
  if (word < 0x40038000) return arctangent_near(kKnown[2], (x - 1.5) / (1.0 + 1.5 * x));  // 39/16
  return arctangent_near(kKnown[3], -1.0 / x);
}

/// The angle of (|x|, |y|) turned into the quadrant of (x, y).
double in_quadrant(double angle, bool x_negative, bool y_negative) {
  if (!x_negative) return y_negative ? -angle : angle;
  return y_negative ? (angle - kPiLow) - kPi : kPi - (angle - kPiLow);
}

double arctangent_of_infinite_x(double y, bool x_negative) {
  const double angle = std::isinf(y) ? (x_negative ? 3.0 * kQuarterPi : kQuarterPi) : (x_negative ? kPi : 0.0);
  return std::copysign(angle, y);
}

}  // namespace
}  // namespace dcp::fdlibm

using namespace dcp::fdlibm;

double fdlibm_asin(double x) {
  constexpr std::int32_t tiny = 0x3e400000;  // 2^-27
  const std::int32_t magnitude = magnitude_word(x);
  if (magnitude >= kOne) return is_one(x) ? x * kHalfPi + x * kHalfPiLow : kNaN;
  if (magnitude < tiny) return x;
  if (magnitude < kHalf) return x + x * arcsine_ratio(x * x);
  return std::copysign(arcsine_near_one(x), x);
}

double fdlibm_acos(double x) {
  constexpr std::int32_t tiny = 0x3c600000;  // 2^-57
  const std::int32_t magnitude = magnitude_word(x);
  if (magnitude >= kOne) return !is_one(x) ? kNaN : x > 0 ? 0.0 : kPi + 2.0 * kHalfPiLow;
  if (magnitude <= tiny) return kHalfPi + kHalfPiLow;
  if (magnitude < kHalf) return kHalfPi - (x - (kHalfPiLow - x * arcsine_ratio(x * x)));
  const double z = (1.0 - std::fabs(x)) * 0.5;
  const double root = std::sqrt(z);
  const double rest = arcsine_ratio(z) * root;
  if (x < 0) return kPi - 2.0 * (root + (rest - kHalfPiLow));
  const double high = truncated(root);
  return 2.0 * (high + (rest + (z - high * high) / (root + high)));
}

double fdlibm_atan(double x) {
  constexpr std::int32_t large = 0x44100000, small = 0x3fdc0000, tiny = 0x3e400000;  // 2^66, 7/16, 2^-27
  const std::int32_t magnitude = magnitude_word(x);
  if (std::isnan(x)) return x;
  if (magnitude >= large) return std::copysign(kKnown[3].high + kKnown[3].low, x);
  if (magnitude < tiny) return x;
  if (magnitude < small) return x - arctangent_polynomial(x);
  return std::copysign(arctangent_of_positive(std::fabs(x)), x);
}

double fdlibm_atan2(double y, double x) {
  constexpr int lost = 60;  // beyond this ratio, in binary digits, the smaller coordinate does not count
  if (std::isnan(x) || std::isnan(y)) return kNaN;
  if (x == 1) return fdlibm_atan(y);
  const bool x_negative = std::signbit(x), y_negative = std::signbit(y);
  if (y == 0) return x_negative ? std::copysign(kPi, y) : y;
  if (x == 0) return std::copysign(kHalfPi, y);
  if (std::isinf(x)) return arctangent_of_infinite_x(y, x_negative);
  if (std::isinf(y)) return std::copysign(kHalfPi, y);
  const int ratio = (magnitude_word(y) - magnitude_word(x)) >> kExponentShift;
  if (ratio > lost) return in_quadrant(kHalfPi + 0.5 * kPiLow, false, y_negative);
  const double angle = x_negative && ratio < -lost ? 0.0 : fdlibm_atan(std::fabs(y / x));
  return in_quadrant(angle, x_negative, y_negative);
}
