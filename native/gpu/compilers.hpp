// The calls of wgpu-native that compile what a sandbox wrote. Some shaders make naga, its compiler, panic.
#pragma once

#include <functional>
#include <string>

#include "webgpu_decoder.hpp"

namespace dcp::gpu {

/// From now on, such a call of `functions` returns null where it panics, after it has called `panicked` with the
/// panic's text (gpu/panic.hpp). Call once, after watch_for_crashes().
void guard_compilers(Functions& functions, std::function<void(const std::string& text)> panicked);

}  // namespace dcp::gpu
