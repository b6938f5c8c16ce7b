// The remainder of an angle after division by pi/2.
#pragma once

namespace dcp::fdlibm {

/// x = quadrant * pi/2 + head + tail (quadrant modulo 4 where x is large), |head + tail| <= pi/4.
struct ReducedAngle {
  int quadrant;
  double head;
  double tail;
};

/// For finite x.
ReducedAngle reduce_angle(double x);

}  // namespace dcp::fdlibm
