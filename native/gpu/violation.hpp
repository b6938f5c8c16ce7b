// What a sandbox did that no client of ours does. It ends the host (and with it the GPU of that sandbox only).
#pragma once

#include <stdexcept>

namespace dcp::gpu {

struct Violation : std::runtime_error {
  using std::runtime_error::runtime_error;
};

}  // namespace dcp::gpu
