// What `dcp-evaluator --probe` shows of the GPU.
#pragma once

#include <string>

#include "webgpu_decoder.hpp"

namespace dcp::gpu {

/// JSON: {"version", "wgslLanguageFeatures": [...], "adapters": [{vendor, architecture, device, description, backend,
/// type, driver, identity, pci, uuid, features: [...], limits: {...}, compute: {"ok": bool, "error": text}}]}.
/// `compute` is a shader that really ran, its result compared. A GPU that two drivers offer is there twice, with one
/// identity.
std::string probe(const Functions& functions);

/// The adapters that sandboxes can get, in the order of their indices, as JSON; nothing runs on them. Each GPU is
/// there once.
std::string list(const Functions& functions);

}  // namespace dcp::gpu
