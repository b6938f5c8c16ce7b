// What the commands that are carried out by hand share. The generator writes their declarations (webgpu_decoder.hpp)
// and what reads them; their layouts stand in native/codegen/webgpu/layouts.py.
#pragma once

#include <cstdint>

#include "gpu/call.hpp"

namespace dcp::gpu {

/// Before writeBuffer and writeTexture. wgpu-native keeps what they bring until the next submission is complete: at
/// most the sandbox's staging memory is kept, then the sandbox waits.
void stage_bytes(Call& call, std::uint64_t size);

/// Submits what writeBuffer has left pending, so that it is part of what is awaited next.
void flush_writes(Call& call);

}  // namespace dcp::gpu
