// Input that wgpu-native answers with a panic, refused first; and the readers that the generator leaves to us.
#pragma once

#include <cstdint>

#include "gpu/call.hpp"

namespace dcp::gpu {

void guard_create_buffer(Call& call, WGPUBufferDescriptor* descriptor);
void guard_create_bind_group_layout(Call& call, const WGPUBindGroupLayoutDescriptor* descriptor);
void guard_create_pipeline_layout(Call& call, const WGPUPipelineLayoutDescriptor* descriptor);
void guard_create_bind_group(Call& call, const WGPUBindGroupDescriptor* descriptor);
void guard_create_query_set(Call& call, WGPUQuerySetDescriptor* descriptor);
void guard_clear_buffer(Call& call, WGPUBuffer buffer, std::uint64_t offset, std::uint64_t size);
void guard_copy_buffer_to_buffer(Call& call, WGPUBuffer source, std::uint64_t source_offset, WGPUBuffer destination,
                                 std::uint64_t destination_offset, std::uint64_t size);
void guard_resolve_query_set(Call& call, WGPUQuerySet set, std::uint32_t first, std::uint32_t count, WGPUBuffer buffer,
                             std::uint64_t offset);
/// Refuses a buffer that the sandbox did not ask to copy to: the host itself may.
void guard_copy_destination(Call& call, WGPUBuffer buffer);

void guard_create_texture(Call& call, const WGPUTextureDescriptor* descriptor);
void guard_create_view(Call& call, WGPUTextureViewDescriptor* descriptor);
void guard_copy_layout(Call& call, WGPUTexelCopyBufferLayout& layout, const WGPUTexelCopyTextureInfo& texture,
                       WGPUExtent3D& size);
void guard_copy_buffer_to_texture(Call& call, WGPUTexelCopyBufferInfo* source,
                                  const WGPUTexelCopyTextureInfo* destination, WGPUExtent3D* size);
void guard_copy_texture_to_buffer(Call& call, const WGPUTexelCopyTextureInfo* source,
                                  WGPUTexelCopyBufferInfo* destination, WGPUExtent3D* size);
void guard_create_compute_pipeline(Call& call, const WGPUComputePipelineDescriptor* descriptor);
void guard_create_render_pipeline(Call& call, const WGPURenderPipelineDescriptor* descriptor);
void guard_set_index_buffer(Call& call, WGPUBuffer buffer, WGPUIndexFormat format, std::uint64_t& offset,
                            std::uint64_t& size);
void guard_set_vertex_buffer(Call& call, std::uint32_t slot, WGPUBuffer& buffer, std::uint64_t& offset,
                             std::uint64_t& size);
void guard_set_pipeline(Call& call, WGPURenderPipeline pipeline);
void guard_execute_bundles(Call& call, std::size_t count, const WGPURenderBundle* bundles);
void guard_begin_render_pass(Call& call, WGPURenderPassDescriptor* descriptor);
/// Returns the pass, in the state in which passes begin.
WGPURenderPassEncoder complete_begin_render_pass(Call& call, WGPURenderPassEncoder pass);
void guard_create_render_bundle_encoder(Call& call, WGPURenderBundleEncoderDescriptor* descriptor);
void guard_finish(Call& call, const WGPURenderBundleDescriptor*);

/// GPUTextureViewDescriptor.swizzle
void read_swizzle(Call& call, WGPUTextureViewDescriptor& out);

/// GPUBindingResource: a tag (the member's index in the union) and the member.
void read_binding_resource(Call& call, WGPUBindGroupEntry& out);

}  // namespace dcp::gpu
