#include "gpu/commands.hpp"
#include "gpu/guards.hpp"
#include "gpu/server.hpp"

namespace dcp::gpu {

// texture
void destroy_texture(Call& call) {
  auto* texture = static_cast<WGPUTexture>(call.self(Kind::texture));
  call.finish();
  if (!call.ready() || !call.self_entry().valid) return;
  Resource& resource = *call.self_entry().resource;
  if (resource.destroyed) return;
  resource.destroyed = true;
  resource.charge.release();
  call.functions().TextureDestroy(texture);
}

// queue, destination, heap offset, size in bytes, layout, extent, part: one write comes in parts, from 0 on; where one
// is refused, those behind it are left out
void write_texture(Call& call) {
  auto* queue = static_cast<WGPUQueue>(call.self(Kind::queue));
  WGPUTexelCopyTextureInfo destination;
  read_GPUTexelCopyTextureInfo(call, destination);
  const std::uint64_t heap_offset = call.u64();
  const std::uint64_t size = call.u64();
  const std::byte* data = call.heap(heap_offset, size);
  WGPUTexelCopyBufferLayout layout;
  read_GPUTexelCopyBufferLayout(call, layout);
  WGPUExtent3D extent;
  read_GPUExtent3DDict(call, extent);
  const std::uint32_t part = call.u32();
  call.finish();
  Device& device = call.device();
  if (part > 0 && device.texture_write_failed) return;
  guard_copy_layout(call, layout, extent);
  if (call.ready()) {
    stage_bytes(call, size);
    call.functions().QueueWriteTexture(queue, &destination, data, size, &layout, &extent);
    device.writes_pending = true;
  }
  device.texture_write_failed = !call.ready() || device.failure();
  call.end();
}

}  // namespace dcp::gpu
