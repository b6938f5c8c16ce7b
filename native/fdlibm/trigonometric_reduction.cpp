#include "fdlibm/trigonometric_reduction.hpp"

#include <cmath>

#include "fdlibm/words.hpp"

namespace dcp::fdlibm {
namespace {

// pi/2 cut into parts of 33 bits, each with what follows it.
struct HalfPiPart {
  double part, rest;
};
constexpr HalfPiPart kHalfPi[] = {{1.57079632673412561417e+00, 6.07710050650619224932e-11},
                                  {6.07710050630396597660e-11, 2.02226624879595063154e-21},
                                  {2.02226624871116645580e-21, 8.47842766036889956997e-32}};
constexpr double kTwoOverPi = 6.36619772367581382433e-01;

constexpr std::int32_t kQuarterPiWord = 0x3fe921fb;
constexpr std::int32_t kHalfPiWord = 0x3ff921fb;
constexpr std::int32_t kThreeQuarterPiWord = 0x4002d97c;
constexpr std::int32_t kMediumWord = 0x413921fb;  // 2^19 * pi/2
constexpr int kFewQuadrants = 32;

/// High words of n * pi/2, n = 1...32: near them much of the angle cancels.
constexpr std::int32_t kMultiples[kFewQuadrants] = {
    0x3ff921fb, 0x400921fb, 0x4012d97c, 0x401921fb, 0x401f6a7a, 0x4022d97c, 0x4025fdbb, 0x402921fb,
    0x402c463a, 0x402f6a7a, 0x4031475c, 0x4032d97c, 0x40346b9c, 0x4035fdbb, 0x40378fdb, 0x403921fb,
    0x403ab41b, 0x403c463a, 0x403dd85a, 0x403f6a7a, 0x40407e4c, 0x4041475c, 0x4042106c, 0x4042d97c,
    0x4043a28c, 0x40446b9c, 0x404534ac, 0x4045fdbb, 0x4046c6cb, 0x40478fdb, 0x404858eb, 0x404921fb};

ReducedAngle negated(const ReducedAngle& angle) { return {-angle.quadrant, -angle.head, -angle.tail}; }

/// pi/4 < x < 3 pi/4.
ReducedAngle reduce_once(double x) {
  double z = x - kHalfPi[0].part;
  double rest = kHalfPi[0].rest;
  if (high_word(x) == kHalfPiWord) {
    z -= kHalfPi[1].part;
    rest = kHalfPi[1].rest;
  }
  const double head = z - rest;
  return {1, head, (z - head) - rest};
}

/// x <= 2^19 * pi/2: as many parts of pi/2 as the cancellation asks for.
ReducedAngle reduce_medium(double x) {
  constexpr int lost_bits_allowed[] = {16, 49};
  const int n = static_cast<int>(x * kTwoOverPi + 0.5);
  const double multiple = n;
  double r = x - multiple * kHalfPi[0].part;
  double w = multiple * kHalfPi[0].rest;
  double head = r - w;
  if (n >= kFewQuadrants || high_word(x) == kMultiples[n - 1]) {
    const int exponent = high_word(x) >> kExponentShift;
    for (int i = 0; i < 2; ++i) {
      if (exponent - (magnitude_word(head) >> kExponentShift) <= lost_bits_allowed[i]) break;
      const double before = r;
      w = multiple * kHalfPi[i + 1].part;
      r = before - w;
      w = multiple * kHalfPi[i + 1].rest - ((before - r) - w);
      head = r - w;
    }
  }
  return {n, head, (r - head) - w};
}

// --- Large angles: only those digits of 2/pi are multiplied that the quadrant and the fraction depend on ---

constexpr double kTwo24 = 0x1p24, kTwoMinus24 = 0x1p-24;
constexpr int kDigit = 24;      // bits in a digit
constexpr int kFirstTerms = 4;  // digits of 2/pi beyond the first that are tried; more when all cancel
constexpr int kMostDigits = 20;

/// 2/pi in digits of 24 bits.
constexpr std::int32_t kTwoOverPiDigits[] = {
    0xa2f983, 0x6e4e44, 0x1529fc, 0x2757d1, 0xf534dd, 0xc0db62, 0x95993c, 0x439041, 0xfe5163, 0xabdebb, 0xc561b7,
    0x246e3a, 0x424dd2, 0xe00649, 0x2eea09, 0xd1921c, 0xfe1deb, 0x1cb129, 0xa73ee8, 0x8235f5, 0x2ebb44, 0x84e99c,
    0x7026b4, 0x5f7e41, 0x3991d6, 0x398353, 0x39f49c, 0x845f8b, 0xbdf928, 0x3b1ff8, 0x97ffde, 0x05980f, 0xef2f11,
    0x8b5a0a, 0x6d1f6d, 0x367ecf, 0x27cb09, 0xb74f46, 0x3f669e, 0x5fea2d, 0x7527ba, 0xc7ebe5, 0xf17b3d, 0x0739f7,
    0x8a5292, 0xea6bfb, 0x5fb11f, 0x8d5d08, 0x560330, 0x46fc7b, 0x6babf0, 0xcfbc20, 0x9af436, 0x1da9e3, 0x91615e,
    0xe61b08, 0x659985, 0x5f14a0, 0x68408d, 0xffd880, 0x4d7327, 0x310606, 0x1556ca, 0x73a8c9, 0x60e27b, 0xc08c6b};

/// pi/2 in digits of 24 bits, with their exponents.
constexpr double kHalfPiDigits[] = {1.57079625129699707031e+00, 7.54978941586159635335e-08, 5.39030252995776476554e-15,
                                    3.28200341580791294123e-22, 1.27065575308067607349e-29};

class LargeReduction {
 public:
  explicit LargeReduction(double x) {
    // x as up to three digits, the first of which has 2^exponent as the weight of its last bit.
    const int exponent = (high_word(x) >> kExponentShift) - (kBias + 23);
    double z = with_high_word(x, high_word(x) - exponent * (1 << kExponentShift));
    for (int i = 0; i < 2; ++i) {
      digits_[i] = static_cast<std::int32_t>(z);
      z = (z - digits_[i]) * kTwo24;
    }
    digits_[2] = z;
    last_digit_ = 2;
    while (digits_[last_digit_] == 0) --last_digit_;
    first_ = exponent < 3 ? 0 : (exponent - 3) / kDigit;
    scale_ = exponent - kDigit * (first_ + 1);
    for (int i = 0; i <= last_digit_ + kFirstTerms; ++i) {
      const int j = first_ - last_digit_ + i;
      factors_[i] = j < 0 ? 0.0 : kTwoOverPiDigits[j];
    }
    for (int i = 0; i <= kFirstTerms; ++i) multiply(i);
  }

  ReducedAngle run() {
    int n = divide();
    for (int more; (more = missing_terms()) > 0;) {
      for (int i = last_ + 1; i <= last_ + more; ++i) {
        factors_[last_digit_ + i] = kTwoOverPiDigits[first_ + i];
        multiply(i);
      }
      last_ += more;
      n = divide();
    }
    normalize();
    return finish(n & 7);
  }

 private:
  /// Digit i of the product.
  void multiply(int i) {
    double sum = 0;
    for (int j = 0; j <= last_digit_; ++j) sum += digits_[j] * factors_[last_digit_ + i - j];
    product_[i] = sum;
  }

  /// Carries, so that digits have 24 bits; takes the integer off and returns it; makes the fraction at most a half.
  int divide() {
    double z = product_[last_];
    for (int i = 0, j = last_; j > 0; ++i, --j) {
      const double carry = static_cast<std::int32_t>(kTwoMinus24 * z);
      fraction_[i] = static_cast<std::int32_t>(z - kTwo24 * carry);
      z = product_[j - 1] + carry;
    }
    z = std::scalbn(z, scale_);
    z -= 8.0 * std::floor(z * 0.125);
    int n = static_cast<int>(z);
    z -= n;
    int half = 0;
    std::int32_t& top = fraction_[last_ - 1];
    if (scale_ > 0) {
      const int integer = top >> (kDigit - scale_);
      n += integer;
      top -= integer << (kDigit - scale_);
      half = top >> (kDigit - 1 - scale_);
    } else if (scale_ == 0) {
      half = top >> (kDigit - 1);
    } else if (z >= 0.5) {
      half = 2;
    }
    if (half > 0) {
      ++n;
      const bool borrow = complement();
      if (scale_ > 0) top &= (1 << (kDigit - scale_)) - 1;
      if (half == 2) {
        z = 1.0 - z;
        if (borrow) z -= std::scalbn(1.0, scale_);
      }
    }
    negative_ = half > 0;
    rest_ = z;
    return n;
  }

  /// fraction = 1 - fraction; whether it was not zero.
  bool complement() {
    bool borrow = false;
    for (int i = 0; i < last_; ++i) {
      const std::int32_t digit = fraction_[i];
      if (borrow) {
        fraction_[i] = 0xffffff - digit;
      } else if (digit != 0) {
        borrow = true;
        fraction_[i] = 0x1000000 - digit;
      }
    }
    return borrow;
  }

  /// How many more digits of 2/pi are needed because all that there are have cancelled.
  int missing_terms() const {
    if (rest_ != 0) return 0;
    for (int i = last_ - 1; i >= kFirstTerms; --i) {
      if (fraction_[i] != 0) return 0;
    }
    int count = 1;
    while (count <= kFirstTerms && fraction_[kFirstTerms - count] == 0) ++count;
    return count;
  }

  /// Drops leading zeros, or puts the rest into digits of its own.
  void normalize() {
    if (rest_ == 0) {
      --last_;
      scale_ -= kDigit;
      while (fraction_[last_] == 0) {
        --last_;
        scale_ -= kDigit;
      }
      return;
    }
    const double z = std::scalbn(rest_, -scale_);
    if (z < kTwo24) {
      fraction_[last_] = static_cast<std::int32_t>(z);
      return;
    }
    const double carry = static_cast<std::int32_t>(kTwoMinus24 * z);
    fraction_[last_++] = static_cast<std::int32_t>(z - kTwo24 * carry);
    scale_ += kDigit;
    fraction_[last_] = static_cast<std::int32_t>(carry);
  }

  /// The fraction times pi/2.
  ReducedAngle finish(int n) {
    double weight = std::scalbn(1.0, scale_);
    for (int i = last_; i >= 0; --i) {
      product_[i] = weight * fraction_[i];
      weight *= kTwoMinus24;
    }
    double terms[kMostDigits] = {};
    for (int i = last_; i >= 0; --i) {
      double sum = 0;
      for (int k = 0; k <= kFirstTerms && k <= last_ - i; ++k) sum += kHalfPiDigits[k] * product_[i + k];
      terms[last_ - i] = sum;
    }
    double head = 0;
    for (int i = last_; i >= 0; --i) head += terms[i];
    double tail = terms[0] - head;
    for (int i = 1; i <= last_; ++i) tail += terms[i];
    return negative_ ? ReducedAngle{n, -head, -tail} : ReducedAngle{n, head, tail};
  }

  double digits_[3];
  int last_digit_;
  int first_;                         // the first digit of 2/pi that matters
  int scale_;                         // binary exponent of product_[0]
  int last_ = kFirstTerms;            // index of the product's last digit
  double factors_[kMostDigits] = {};  // digits of 2/pi
  double product_[kMostDigits] = {};
  std::int32_t fraction_[kMostDigits] = {};  // the product's digits, last one first
  double rest_ = 0;
  bool negative_ = false;
};

}  // namespace

ReducedAngle reduce_angle(double x) {
  const std::int32_t magnitude = magnitude_word(x);
  if (magnitude <= kQuarterPiWord) return {0, x, 0};
  const double positive = std::fabs(x);
  const ReducedAngle angle = magnitude < kThreeQuarterPiWord ? reduce_once(positive)
                             : magnitude <= kMediumWord      ? reduce_medium(positive)
                                                             : LargeReduction(positive).run();
  return x < 0 ? negated(angle) : angle;
}

}  // namespace dcp::fdlibm
