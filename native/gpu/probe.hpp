// What `dcp-evaluator --probe` shows of the GPU.
#pragma once

#include <string>

#include "webgpu_decoder.hpp"

namespace dcp::gpu {

/// JSON: {"version", "adapters": [{vendor, architecture, device, description, backend, type, driver, identity, pci,
/// uuid, pci_id, features: [...], limits: {...}, compute: {"ok": bool, "error": text, "seconds": number}}]}. `compute`
/// is a shader that really ran, its result compared, and the time from the start of the driver to that result. What
/// wgpu-native logs meanwhile, also of adapters that it hides, goes to stderr in lines that begin with "wgpu: ". A GPU
/// that two drivers offer is there twice, with one identity. `backends`: of Vulkan or of OpenGL, each in a process of
/// its own, so that a crash of one does not blame the other.
std::string probe(const Functions& functions, WGPUInstanceBackend backends);

/// The adapters that sandboxes can get, in the order of their indices, as JSON; nothing runs on them. Each GPU is
/// there once.
std::string list(const Functions& functions);

}  // namespace dcp::gpu
