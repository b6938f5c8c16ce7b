// wgpu-native, opened by path.
#pragma once

#include <string>

#include "webgpu_decoder.hpp"

namespace dcp::gpu {

/// Opens the library and finds its functions. Throws std::runtime_error that names the cause and the remedy, also for
/// a version that the generated code was not made for.
void open_library(const std::string& path, Functions& functions);

/// "29.0.1.1"
std::string version_text(const Functions& functions);

}  // namespace dcp::gpu
