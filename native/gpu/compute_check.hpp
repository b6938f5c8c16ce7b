// Whether an adapter computes.
#pragma once

#include <string>

#include "webgpu_decoder.hpp"

namespace dcp::gpu {

/// Runs one shader and compares what it wrote: the reason of the failure, empty where the result is right. The device
/// and its few objects live until the process ends.
std::string check_compute(const Functions& functions, WGPUAdapter adapter);

}  // namespace dcp::gpu
