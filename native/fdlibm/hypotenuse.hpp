// Math.hypot for any number of arguments, which fdlibm has not; as V8 computes it.
#pragma once

#include <span>

namespace dcp::fdlibm {

/// The square root of the sum of squares; 0 of none, infinity when one is infinite, else NaN when one is NaN.
double hypot(std::span<const double> numbers);

}  // namespace dcp::fdlibm
