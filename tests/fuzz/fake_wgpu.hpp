// A function table in the place of wgpu-native, for the fuzzer of the decoder: fast, and stricter than the original.
//
// It aborts where the decoder hands over a handle that is null where none may be, freed, or never made, and it reads
// every array and text that it gets, so that AddressSanitizer sees a wrong one. Some calls fail as wgpu-native's do.
#pragma once

#include <cstddef>

#include "webgpu_decoder.hpp"

namespace dcp::fuzz {

const gpu::Functions& fake_functions();
/// A new adapter; it lives until forget_all().
WGPUAdapter fake_adapter();
/// Waits until all devices are released, which the decoder's own threads do.
void wait_for_devices();
/// Ends the run. Aborts where handles were not released.
void forget_all();

}  // namespace dcp::fuzz
