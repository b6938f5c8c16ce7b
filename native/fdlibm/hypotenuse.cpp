#include "fdlibm/hypotenuse.hpp"

#include <algorithm>
#include <cmath>

#include "fdlibm/words.hpp"

namespace dcp::fdlibm {

// Scaled by the largest, so that no square overflows; the sum is Kahan's.
double hypot(std::span<const double> numbers) {
  double largest = 0;
  bool has_nan = false;
  for (const double number : numbers) {
    if (std::isnan(number)) has_nan = true;
    largest = std::max(largest, std::fabs(number));  // a NaN is never the larger one
  }
  if (std::isinf(largest)) return kInfinity;
  if (has_nan) return kNaN;
  if (largest == 0) return 0;
  double sum = 0, compensation = 0;
  for (const double number : numbers) {
    const double scaled = std::fabs(number) / largest;
    const double summand = scaled * scaled - compensation;
    const double next = sum + summand;
    compensation = (next - sum) - summand;
    sum = next;
  }
  return std::sqrt(sum) * largest;
}

}  // namespace dcp::fdlibm
