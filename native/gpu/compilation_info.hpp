// GPUCompilationInfo from the text of wgpu-native's error: its own function for it is not implemented.
#pragma once

#include <string_view>

#include "gpu/objects.hpp"

namespace dcp::gpu {

/// `error` as clean_message() gives it; `code` is the WGSL. Columns, offset and length count UTF-16 code units.
CompilationMessage parse_message(std::string_view error, std::string_view code);

}  // namespace dcp::gpu
