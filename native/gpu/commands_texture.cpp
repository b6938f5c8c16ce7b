#include "gpu/commands.hpp"
#include "gpu/guards.hpp"
#include "gpu/server.hpp"

namespace dcp::gpu {

void destroy_texture(Call& call, const command::DestroyTexture& command) {
  if (!call.ready() || !call.self_entry().valid) return;
  Resource& resource = *call.self_entry().resource;
  if (resource.destroyed) return;
  resource.destroyed = true;
  resource.charge.release();
  call.functions().TextureDestroy(command.self);
}

void write_texture(Call& call, const command::WriteTexture& command) {
  Device& device = call.device();
  if (command.part > 0 && device.texture_write_failed) return;
  WGPUTexelCopyBufferLayout layout = command.layout;
  WGPUExtent3D extent = command.extent;
  if (call.ready()) guard_copy_layout(call, layout, command.destination, extent);
  if (call.ready()) {
    stage_bytes(call, command.size);
    call.functions().QueueWriteTexture(command.self, &command.destination, command.data, command.size, &layout,
                                       &extent);
    device.writes_pending = true;
  }
  device.texture_write_failed = !call.ready() || device.failure();
  call.end();
}

}  // namespace dcp::gpu
