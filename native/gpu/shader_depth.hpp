// How deep the compiler of shaders recurses. A stack that overflows would end the host, with its device and buffers.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace dcp::gpu {

/// Bytes of the stack on which shaders that pass too_deep() are compiled. Measured: naga takes less than 8 KiB for each
/// level of brackets, and less than 3 KiB for each operator.
constexpr std::size_t kCompilerStack = std::size_t{256} << 20;

/// Why WGSL text is more than that stack can take; empty: it is not. No valid program for browsers is: they take
/// brackets some hundred deep.
std::string too_deep(std::string_view code);

}  // namespace dcp::gpu
