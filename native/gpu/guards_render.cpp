#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "gpu/device.hpp"
#include "gpu/guards.hpp"
#include "gpu/rehearsal.hpp"

namespace dcp::gpu {
namespace {

constexpr WGPUColorWriteMask kColorWrites = 0xF;

bool has_depth(WGPUTextureFormat format) {
  return format == WGPUTextureFormat_Depth16Unorm || format == WGPUTextureFormat_Depth24Plus ||
         format == WGPUTextureFormat_Depth24PlusStencil8 || format == WGPUTextureFormat_Depth32Float ||
         format == WGPUTextureFormat_Depth32FloatStencil8;
}

bool keeps_on_depth_failure(const WGPUDepthStencilState& state) {
  return state.stencilFront.depthFailOp == WGPUStencilOperation_Keep &&
         state.stencilBack.depthFailOp == WGPUStencilOperation_Keep;
}

void guard_depth_stencil(Call& call, const WGPUDepthStencilState& state) {
  const bool writes = state.depthWriteEnabled == WGPUOptionalBool_True;
  const bool compares = state.depthCompare != WGPUCompareFunction_Undefined;
  if (!has_depth(state.format)) {
    if (writes) call.refuse("depthStencil.depthWriteEnabled is true, and the format has no depth");
    if (compares && state.depthCompare != WGPUCompareFunction_Always) {
      call.refuse("depthStencil.depthCompare is given, and the format has no depth");
    }
    return;
  }
  if (state.depthWriteEnabled == WGPUOptionalBool_Undefined) {
    call.refuse("depthStencil.depthWriteEnabled is missing, and the format has depth");
  }
  if (!compares && (writes || !keeps_on_depth_failure(state))) {
    call.refuse("depthStencil.depthCompare is missing, and depth is written or decides about stencil");
  }
}

/// wgpu-core leaves a layout without attributes out, so that those behind it read the buffer one slot before theirs.
/// Each that has others behind it gets an attribute that no shader reads, of one byte. wgpu-native knows no holes
/// either: a hole becomes such a layout, and guard_set_pipeline() binds a buffer to it.
void fill_layouts(Call& call, WGPUVertexBufferLayout* buffers, std::uint32_t bare, std::uint32_t locations) {
  std::uint32_t location = 0;
  for (std::uint32_t slot = 0; slot < 32; ++slot) {
    if ((bare >> slot & 1) == 0) continue;
    while (location < 32 && (locations >> location & 1) != 0) ++location;
    auto* attribute = call.make<WGPUVertexAttribute>(1);
    *attribute = WGPU_VERTEX_ATTRIBUTE_INIT;
    attribute->format = WGPUVertexFormat_Uint8;
    attribute->shaderLocation = location++;
    if (buffers[slot].stepMode == WGPUVertexStepMode_Undefined) buffers[slot].stepMode = WGPUVertexStepMode_Vertex;
    buffers[slot].attributeCount = 1;
    buffers[slot].attributes = attribute;
  }
}

void guard_vertex(Call& call, const WGPUVertexState& vertex) {
  WGPULimits limits = WGPU_LIMITS_INIT;
  call.functions().DeviceGetLimits(call.device().handle(), &limits);
  if (vertex.bufferCount > limits.maxVertexBuffers) {
    return call.refuse("vertex.buffers are more than maxVertexBuffers, " + std::to_string(limits.maxVertexBuffers));
  }
  std::uint32_t locations = 0, bare = 0;
  auto pipeline = std::make_shared<RenderPipeline>();
  auto* buffers = const_cast<WGPUVertexBufferLayout*>(vertex.buffers);
  std::size_t used = vertex.bufferCount;
  while (used > 0 && buffers[used - 1].attributeCount == 0) --used;
  for (std::size_t i = used; i < vertex.bufferCount; ++i) {
    if (buffers[i].stepMode == WGPUVertexStepMode_Undefined) buffers[i].stepMode = WGPUVertexStepMode_Vertex;
  }
  for (std::size_t i = 0; i < used; ++i) {
    if (buffers[i].stepMode == WGPUVertexStepMode_Undefined) pipeline->holes |= 1u << i;
    if (buffers[i].attributeCount == 0) bare |= 1u << i;
    for (std::size_t j = 0; j < buffers[i].attributeCount; ++j) {
      locations |= 1u << buffers[i].attributes[j].shaderLocation % 32;
      if (buffers[i].attributes[j].format != WGPUVertexFormat_Unorm8x4BGRA) continue;
      call.refuse("wgpu-native does not support the vertex format unorm8x4-bgra");
    }
  }
  fill_layouts(call, buffers, bare, locations);
  if (pipeline->holes == 0) return;
  call.set_resource(std::move(pipeline));
}

/// wgpu-native takes no size of 0; what is left at the end of a buffer is as good.
void bind_nothing(Call& call, WGPUBuffer buffer, std::uint64_t alignment, std::uint64_t& offset, std::uint64_t& size) {
  const std::uint64_t end = call.functions().BufferGetSize(buffer);
  if (offset % alignment != 0) call.refuse("offset is not a multiple of " + std::to_string(alignment));
  if (offset > end) call.refuse("offset is outside of the buffer");
  offset = end - end % alignment;
  size = WGPU_WHOLE_SIZE;
}

/// Nulls at the end of a list of attachments do not count when layouts are compared (GPURenderPassLayout); to wgpu-core
/// they do. A list that is too long is left for it to refuse.
template <typename Item, typename IsNull>
void trim_nulls(Call& call, std::size_t& count, const Item* items, IsNull is_null) {
  if (count == 0 || !is_null(items[count - 1])) return;
  WGPULimits limits = WGPU_LIMITS_INIT;
  call.functions().DeviceGetLimits(call.device().handle(), &limits);
  if (count > limits.maxColorAttachments) return;
  while (count > 0 && is_null(items[count - 1])) --count;
}

/// The texture that an object is, or is a view of.
const Texture* texture_of(const Resource& resource) {
  const auto* view = dynamic_cast<const TextureView*>(&resource);
  return dynamic_cast<const Texture*>(view == nullptr ? &resource : view->parts[0].get());
}

/// wgpu-core panics where samples are resolved into a 3D texture. Such a texture has no samples, so no pass may have
/// both.
void guard_resolve_targets(Call& call, const WGPURenderPassDescriptor& descriptor) {
  const auto* end = descriptor.colorAttachments + descriptor.colorAttachmentCount;
  const bool resolves = std::any_of(descriptor.colorAttachments, end, [](const WGPURenderPassColorAttachment& color) {
    return color.resolveTarget != nullptr;
  });
  if (!resolves) return;
  for (const auto& resource : call.used()) {
    const Texture* texture = texture_of(*resource);
    if (texture != nullptr && texture->is_3d) call.refuse("a 3D texture is attached where samples are resolved");
  }
}

/// wgpu-core takes all slices of a level of a 3D texture for written when one was cleared. Loading one makes it set
/// those to zero that nothing has written, so a pass before that does no more than load.
void initialize_slices(Call& call, const WGPURenderPassDescriptor& descriptor) {
  std::vector<WGPURenderPassColorAttachment> slices;
  for (std::size_t i = 0; i < descriptor.colorAttachmentCount; ++i) {
    WGPURenderPassColorAttachment slice = descriptor.colorAttachments[i];
    if (slice.view == nullptr || slice.depthSlice == WGPU_DEPTH_SLICE_UNDEFINED || slice.loadOp == WGPULoadOp_Load) {
      continue;
    }
    slice.loadOp = WGPULoadOp_Load;
    slice.storeOp = WGPUStoreOp_Store;
    slice.resolveTarget = nullptr;
    slices.push_back(slice);
  }
  if (slices.empty() || !call.ready()) return;
  WGPURenderPassDescriptor loading = WGPU_RENDER_PASS_DESCRIPTOR_INIT;
  loading.colorAttachmentCount = slices.size();
  loading.colorAttachments = slices.data();
  const Functions& f = call.functions();
  auto* pass = f.CommandEncoderBeginRenderPass(static_cast<WGPUCommandEncoder>(call.self_entry().handle), &loading);
  f.RenderPassEncoderEnd(pass);
  f.RenderPassEncoderRelease(pass);
}

}  // namespace

void guard_create_render_pipeline(Call& call, const WGPURenderPipelineDescriptor* descriptor) {
  guard_vertex(call, descriptor->vertex);
  if (descriptor->depthStencil != nullptr) guard_depth_stencil(call, *descriptor->depthStencil);
  if (descriptor->fragment == nullptr) return;
  auto& fragment = *const_cast<WGPUFragmentState*>(descriptor->fragment);
  trim_nulls(call, fragment.targetCount, fragment.targets,
             [](const WGPUColorTargetState& target) { return target.format == WGPUTextureFormat_Undefined; });
  for (std::size_t i = 0; i < descriptor->fragment->targetCount; ++i) {
    if ((descriptor->fragment->targets[i].writeMask & ~kColorWrites) != 0) {
      call.refuse("fragment.targets[" + std::to_string(i) + "].writeMask has bits that GPUColorWrite does not define");
    }
  }
}

void guard_set_index_buffer(Call& call, WGPUBuffer buffer, WGPUIndexFormat format, std::uint64_t& offset,
                            std::uint64_t& size) {
  if (size != 0) return;
  bind_nothing(call, buffer, format == WGPUIndexFormat_Uint16 ? 2 : 4, offset, size);
}

void guard_set_vertex_buffer(Call& call, std::uint32_t slot, WGPUBuffer& buffer, std::uint64_t& offset,
                             std::uint64_t& size) {
  Usage& usage = *call.self_entry().usage;
  const std::uint32_t bit = slot < 32 ? 1u << slot : 0;
  usage.vertex_buffers |= bit;
  if (buffer == nullptr) {
    if (offset != 0) call.refuse("offset is not 0, and buffer is null");
    if (size != 0 && size != WGPU_WHOLE_SIZE) call.refuse("size is not 0, and buffer is null");
    buffer = call.device().empty_vertex_buffer();
    usage.vertex_buffers &= ~bit;
    size = (usage.holes & bit) != 0 ? WGPU_WHOLE_SIZE : 0;
  }
  if (size == 0) bind_nothing(call, buffer, 4, offset, size);
}

void guard_set_pipeline(Call& call, WGPURenderPipeline) {
  const auto* pipeline = dynamic_cast<const RenderPipeline*>(call.last_used());
  const Object& self = call.self_entry();
  self.usage->holes = pipeline == nullptr ? 0 : pipeline->holes;
  if (pipeline == nullptr) return;
  const std::uint32_t missing = pipeline->holes & ~self.usage->vertex_buffers;
  for (std::uint32_t slot = 0; slot < 32; ++slot) {
    if ((missing >> slot & 1) == 0) continue;
    const WGPUBuffer buffer = call.device().empty_vertex_buffer();
    const bool bundle = self.kind == Kind::render_bundle_encoder;
    auto* pass = bundle ? call.rehearsal() : static_cast<WGPURenderPassEncoder>(self.handle);
    call.functions().RenderPassEncoderSetVertexBuffer(pass, slot, buffer, 0, WGPU_WHOLE_SIZE);
    if (!bundle) continue;
    auto* encoder = static_cast<WGPURenderBundleEncoder>(self.handle);
    call.functions().RenderBundleEncoderSetVertexBuffer(encoder, slot, buffer, 0, WGPU_WHOLE_SIZE);
  }
}

void guard_execute_bundles(Call& call, std::size_t, const WGPURenderBundle*) {
  call.self_entry().usage->vertex_buffers = call.self_entry().usage->holes = 0;  // the bundles' own are gone afterwards
}

void guard_begin_render_pass(Call& call, WGPURenderPassDescriptor* descriptor) {
  trim_nulls(call, descriptor->colorAttachmentCount, descriptor->colorAttachments,
             [](const WGPURenderPassColorAttachment& attachment) { return attachment.view == nullptr; });
  for (const auto& resource : call.used()) {
    const auto* view = dynamic_cast<const TextureView*>(resource.get());
    if (view == nullptr || (view->usage & WGPUTextureUsage_RenderAttachment) != 0) continue;
    call.refuse("the usage of a view that is attached lacks RENDER_ATTACHMENT");
  }
  guard_resolve_targets(call, *descriptor);
  initialize_slices(call, *descriptor);
}

WGPURenderPassEncoder complete_begin_render_pass(Call& call, WGPURenderPassEncoder pass) {
  // The specification's initial value; wgpu-core has none, and refuses draws that need one.
  const WGPUColor zero = {0, 0, 0, 0};
  if (!call.device().failure()) call.functions().RenderPassEncoderSetBlendConstant(pass, &zero);
  return pass;
}

void guard_create_render_bundle_encoder(Call& call, WGPURenderBundleEncoderDescriptor* descriptor) {
  trim_nulls(call, descriptor->colorFormatCount, descriptor->colorFormats,
             [](WGPUTextureFormat format) { return format == WGPUTextureFormat_Undefined; });
  auto rehearsal = std::make_unique<Rehearsal>(call.functions(), call.device());
  const std::string error = rehearsal->begin(*descriptor);
  if (!error.empty()) call.refuse(error);
  call.set_rehearsal(std::move(rehearsal));
}

void guard_finish(Call& call, const WGPURenderBundleDescriptor*) {
  const std::string error = call.self_entry().usage->rehearsal->end();
  if (!error.empty()) call.refuse(error);
}

}  // namespace dcp::gpu
