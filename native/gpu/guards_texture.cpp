#include <string>

#include "gpu/guards.hpp"

namespace dcp::gpu {
namespace {

constexpr WGPUTextureUsage kTextureUsages = 0x3F;
constexpr WGPUTextureUsage kTransient = 0x20;

}  // namespace

void guard_create_texture(Call& call, const WGPUTextureDescriptor* descriptor) {
  if ((descriptor->usage & ~kTextureUsages) != 0) call.refuse("usage has bits that GPUTextureUsage does not define");
  if ((descriptor->usage & kTransient) != 0) call.refuse("wgpu-native does not support TRANSIENT_ATTACHMENT");
  auto made = std::make_shared<Texture>();
  made->usage = descriptor->usage;
  if (call.ready()) charge_memory(call, *made, texture_bytes(*descriptor));
  call.set_resource(std::move(made));
}

void guard_create_view(Call& call, const WGPUTextureViewDescriptor* descriptor) {
  if (descriptor->mipLevelCount == 0) call.refuse("mipLevelCount is 0");
  if (descriptor->arrayLayerCount == 0) call.refuse("arrayLayerCount is 0");
  const auto* texture = static_cast<const Texture*>(call.self_entry().resource.get());
  if ((descriptor->usage & ~texture->usage) != 0) call.refuse("usage has bits that the texture's usage has not");
}

void guard_copy_layout(Call& call, WGPUTexelCopyBufferLayout& layout, const WGPUExtent3D& size) {
  // Zero is valid where nothing is copied; wgpu-native takes it in no case.
  if (layout.bytesPerRow == 0) {
    if (size.width != 0) call.refuse("bytesPerRow is 0");
    layout.bytesPerRow = 256;
  }
  if (layout.rowsPerImage == 0) {
    if (size.height != 0) call.refuse("rowsPerImage is 0");
    layout.rowsPerImage = 1;
  }
}

void guard_copy_buffer_to_texture(Call& call, WGPUTexelCopyBufferInfo* source, const WGPUTexelCopyTextureInfo*,
                                  const WGPUExtent3D* size) {
  guard_copy_layout(call, source->layout, *size);
}

void guard_copy_texture_to_buffer(Call& call, const WGPUTexelCopyTextureInfo*, WGPUTexelCopyBufferInfo* destination,
                                  const WGPUExtent3D* size) {
  guard_copy_layout(call, destination->layout, *size);
}

void read_swizzle(Call& call, WGPUTextureViewDescriptor&) {
  const WGPUStringView swizzle = call.string();
  if (std::string_view(swizzle.data, swizzle.length) != "rgba") {
    call.refuse("swizzle needs the feature texture-component-swizzle, which wgpu-native does not have");
  }
}

}  // namespace dcp::gpu
