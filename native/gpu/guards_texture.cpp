#include <algorithm>
#include <string>

#include "gpu/device.hpp"
#include "gpu/guards.hpp"

namespace dcp::gpu {
namespace {

constexpr WGPUTextureUsage kTextureUsages = 0x3F;
constexpr WGPUTextureUsage kTransient = 0x20;

/// Null where no such view can be had.
WGPUTextureView view_for_sampling(Call& call, WGPUTextureViewDescriptor descriptor) {
  descriptor.usage = WGPUTextureUsage_TextureBinding;
  call.device().begin_capture();
  auto* view = call.functions().TextureCreateView(static_cast<WGPUTexture>(call.self_entry().handle), &descriptor);
  const bool failed = call.device().end_capture().has_value();
  call.device().begin_call();
  if (!failed) return view;
  if (view != nullptr) call.functions().TextureViewRelease(view);
  return nullptr;
}

/// Whether a copy begins and ends within the texture's level; a level that is not there is left for wgpu-core to
/// refuse.
bool is_within(Call& call, const WGPUTexelCopyTextureInfo& copy, const WGPUExtent3D& size) {
  const Functions& f = call.functions();
  if (copy.mipLevel >= f.TextureGetMipLevelCount(copy.texture)) return true;
  const auto level = [&](std::uint32_t whole) { return std::max<std::uint64_t>(whole >> copy.mipLevel, 1); };
  const std::uint32_t layers = f.TextureGetDepthOrArrayLayers(copy.texture);
  const std::uint64_t depth = f.TextureGetDimension(copy.texture) == WGPUTextureDimension_3D ? level(layers) : layers;
  const auto fits = [](std::uint64_t origin, std::uint64_t count, std::uint64_t end) { return origin + count <= end; };
  return fits(copy.origin.x, size.width, level(f.TextureGetWidth(copy.texture))) &&
         fits(copy.origin.y, size.height, level(f.TextureGetHeight(copy.texture))) &&
         fits(copy.origin.z, size.depthOrArrayLayers, depth);
}

/// Whether the device's limits allow the size.
bool fits(const WGPUTextureDescriptor& descriptor, const WGPULimits& limits) {
  const bool volume = descriptor.dimension == WGPUTextureDimension_3D;
  const std::uint32_t most = volume                                            ? limits.maxTextureDimension3D
                             : descriptor.dimension == WGPUTextureDimension_1D ? limits.maxTextureDimension1D
                                                                               : limits.maxTextureDimension2D;
  const auto [width, height, layers] = descriptor.size;
  return width <= most && height <= most && layers <= (volume ? most : limits.maxTextureArrayLayers);
}

}  // namespace

void guard_create_texture(Call& call, const WGPUTextureDescriptor* descriptor) {
  if ((descriptor->usage & ~kTextureUsages) != 0) call.refuse("usage has bits that GPUTextureUsage does not define");
  if ((descriptor->usage & kTransient) != 0) call.refuse("wgpu-native does not support TRANSIENT_ATTACHMENT");
  auto made = std::make_shared<Texture>();
  made->usage = descriptor->usage;
  made->is_3d = descriptor->dimension == WGPUTextureDimension_3D;
  if (call.ready()) {
    charge_memory(call, *made,
                  {"GPUDevice.createTexture", texture_bytes(*descriptor),
                   [descriptor](const WGPULimits& limits) { return fits(*descriptor, limits); }});
  }
  call.set_resource(std::move(made));
}

void guard_create_view(Call& call, WGPUTextureViewDescriptor* descriptor) {
  if (descriptor->mipLevelCount == 0) call.refuse("mipLevelCount is 0");
  if (descriptor->arrayLayerCount == 0) call.refuse("arrayLayerCount is 0");
  const std::shared_ptr<Resource>& resource = call.self_entry().resource;
  const WGPUTextureUsage whole = static_cast<const Texture*>(resource.get())->usage;
  if ((descriptor->usage & ~whole) != 0) call.refuse("usage has bits that the texture's usage has not");
  const WGPUTextureUsage usage = descriptor->usage;
  if (!call.ready() || (usage & WGPUTextureUsage_StorageBinding) == 0) return;
  descriptor->usage = WGPUTextureUsage_None;  // all of the texture's
  if (usage == whole) return;
  auto view = std::make_shared<TextureView>(call.functions());
  view->usage = usage;
  view->parts.push_back(resource);
  if ((whole & ~usage & WGPUTextureUsage_TextureBinding) != 0) view->sampled = view_for_sampling(call, *descriptor);
  call.set_resource(std::move(view));
}

void guard_copy_layout(Call& call, WGPUTexelCopyBufferLayout& layout, const WGPUTexelCopyTextureInfo& texture,
                       WGPUExtent3D& size) {
  // Zero is valid where nothing is copied; wgpu-native takes it in no case.
  if (layout.bytesPerRow != 0 && layout.rowsPerImage != 0) return;
  if (layout.bytesPerRow == 0 && size.width != 0) call.refuse("bytesPerRow is 0");
  if (layout.rowsPerImage == 0 && size.height != 0) call.refuse("rowsPerImage is 0");
  if (!is_within(call, texture, size)) call.refuse("the copy is outside of the texture");
  // Such a layout needs no byte, nor does a copy of no row.
  if (layout.bytesPerRow == 0) layout.bytesPerRow = WGPU_COPY_STRIDE_UNDEFINED;
  if (layout.rowsPerImage == 0) layout.rowsPerImage = WGPU_COPY_STRIDE_UNDEFINED;
  size = {0, 0, 0};
}

void guard_copy_buffer_to_texture(Call& call, WGPUTexelCopyBufferInfo* source,
                                  const WGPUTexelCopyTextureInfo* destination, WGPUExtent3D* size) {
  guard_copy_layout(call, source->layout, *destination, *size);
}

void guard_copy_texture_to_buffer(Call& call, const WGPUTexelCopyTextureInfo* source,
                                  WGPUTexelCopyBufferInfo* destination, WGPUExtent3D* size) {
  guard_copy_destination(call, destination->buffer);
  guard_copy_layout(call, destination->layout, *source, *size);
}

void read_swizzle(Call& call, WGPUTextureViewDescriptor&) {
  const WGPUStringView swizzle = call.string();
  if (std::string_view(swizzle.data, swizzle.length) != "rgba") {
    call.refuse("swizzle needs the feature texture-component-swizzle, which wgpu-native does not have");
  }
}

}  // namespace dcp::gpu
