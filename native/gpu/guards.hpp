// Input that wgpu-native answers with a panic, refused first; and the readers that the generator leaves to us.
#pragma once

#include "gpu/call.hpp"

namespace dcp::gpu {

void guard_create_buffer(Call& call, const WGPUBufferDescriptor* descriptor);
void guard_create_bind_group_layout(Call& call, const WGPUBindGroupLayoutDescriptor* descriptor);
void guard_create_pipeline_layout(Call& call, const WGPUPipelineLayoutDescriptor* descriptor);
void guard_create_bind_group(Call& call, const WGPUBindGroupDescriptor* descriptor);
void guard_clear_buffer(Call& call, WGPUBuffer buffer, std::uint64_t offset, std::uint64_t size);

/// GPUBindingResource: a tag (the member's index in the union) and the member.
void read_binding_resource(Call& call, WGPUBindGroupEntry& out);

}  // namespace dcp::gpu
