#include "gpu/commands.hpp"
#include "gpu/copy_bytes.hpp"
#include "gpu/server.hpp"

namespace dcp::gpu {
namespace {

/// A mapAsync on its way through wgpu-native.
struct MapRequest {
  Server& server;
  std::shared_ptr<Device> device;
  std::shared_ptr<Buffer> buffer;
  std::uint64_t serial;
  std::uint32_t request;
};

void reply_mapped(Server& server, std::uint32_t request, bool mapped, std::string_view message) {
  server.replies().send(std::move(Reply(ReplyType::mapped).u32(request).u32(mapped).text(message)));
}

/// Copies between a buffer's mapped range and the heap. Needs map_mutex and a valid mapped buffer.
void copy_mapped(Server& server, const Buffer& buffer, bool to_heap, std::uint64_t heap_offset) {
  if (buffer.map.size == 0) return;
  std::byte* heap = server.region().heap() + heap_offset;
  Header& header = server.region().header();
  (to_heap ? header.bytes_down : header.bytes_up).fetch_add(buffer.map.size, std::memory_order_relaxed);
  const std::uint64_t offset = buffer.map.offset, size = buffer.map.size;
  if (to_heap) {
    const void* mapped = server.functions().BufferGetConstMappedRange(buffer.handle, offset, size);
    copy_bytes(heap, static_cast<const std::byte*>(mapped), size);
  } else {
    void* mapped = server.functions().BufferGetMappedRange(buffer.handle, offset, size);
    copy_bytes(static_cast<std::byte*>(mapped), heap, size);
  }
}

/// On the poller's thread.
void finish_map(const MapRequest& map, bool mapped, const std::string& message) {
  const std::lock_guard lock(map.server.map_mutex);
  Buffer& buffer = *map.buffer;
  // Unmapped or destroyed meanwhile: the sandbox has settled the promise itself.
  if (buffer.serial != map.serial || buffer.state != Buffer::State::pending) return;
  buffer.state = mapped ? Buffer::State::mapped : Buffer::State::unmapped;
  if (mapped) copy_mapped(map.server, buffer, true, buffer.map.heap_offset);
  reply_mapped(map.server, map.request, mapped, message);
}

void on_mapped(WGPUMapAsyncStatus status, WGPUStringView message, void* request, void*) {
  const std::shared_ptr<MapRequest> map(static_cast<MapRequest*>(request));
  Poller& poller = map->device->poller();
  poller.mapping_ended([map, mapped = status == WGPUMapAsyncStatus_Success, text = clean_message(view(message))] {
    finish_map(*map, mapped, text);
  });
}

std::shared_ptr<Buffer> buffer_of(Object& object) { return std::static_pointer_cast<Buffer>(object.resource); }

}  // namespace

// buffer, request, mode, offset, size, heap offset -> [request, mapped, message]
void map_buffer(Call& call) {
  call.self(Kind::buffer);
  const std::uint32_t request = call.u32();
  const std::uint32_t mode = call.u32();
  const std::uint64_t offset = call.u64();
  const std::uint64_t size = call.u64();
  const std::uint64_t heap_offset = call.u64();
  if (mode != WGPUMapMode_Read && mode != WGPUMapMode_Write) call.bad_value("map mode");
  call.finish();
  Server& server = call.server();
  const Object& object = call.self_entry();
  if (!call.ready() || !object.valid) {
    call.refuse("GPUBuffer is invalid");
    call.end();
    return reply_mapped(server, request, false, "the buffer is invalid");
  }
  const std::shared_ptr<Buffer> buffer = buffer_of(call.self_entry());
  // A range outside of the buffer is wgpu-native's to report; nothing is copied then.
  if (offset <= buffer->size && size <= buffer->size - offset) call.heap(heap_offset, size);
  flush_writes(call);
  auto* map = new MapRequest{server, call.shared_device(), buffer, 0, request};
  {
    const std::lock_guard lock(server.map_mutex);
    if (buffer->state != Buffer::State::unmapped) {
      delete map;
      call.bad_value("mapping a buffer that is not unmapped");
    }
    map->serial = ++buffer->serial;
    buffer->state = Buffer::State::pending;
    buffer->map = {request, mode, offset, size, heap_offset};
  }
  WGPUBufferMapCallbackInfo callback = WGPU_BUFFER_MAP_CALLBACK_INFO_INIT;
  callback.mode = WGPUCallbackMode_AllowSpontaneous;
  callback.callback = on_mapped;
  callback.userdata1 = map;
  server.functions().BufferMapAsync(buffer->handle, mode, offset, size, callback);
  // Now: a poller that looked before wgpu-native knew of it would find nothing. It may have ended already.
  call.device().poller().mapping_began();
}

// buffer, 0 | 1, heap offset: with 1, the mapped range takes the bytes at the heap offset first
void unmap_buffer(Call& call) {
  call.self(Kind::buffer);
  const bool written = call.boolean();
  const std::uint64_t heap_offset = call.u64();
  call.finish();
  if (!call.ready() || !call.self_entry().valid) return;
  Server& server = call.server();
  Buffer& buffer = *buffer_of(call.self_entry());
  const std::lock_guard lock(server.map_mutex);
  if (buffer.state == Buffer::State::unmapped) return;
  if (written && buffer.state == Buffer::State::mapped && buffer.map.mode == WGPUMapMode_Write) {
    call.heap(heap_offset, buffer.map.size);
    copy_mapped(server, buffer, false, heap_offset);
  }
  buffer.state = Buffer::State::unmapped;
  ++buffer.serial;
  server.functions().BufferUnmap(buffer.handle);
}

// buffer
void destroy_buffer(Call& call) {
  call.self(Kind::buffer);
  call.finish();
  if (!call.ready() || !call.self_entry().valid) return;
  Server& server = call.server();
  Buffer& buffer = *buffer_of(call.self_entry());
  const std::lock_guard lock(server.map_mutex);
  if (buffer.destroyed) return;
  if (buffer.state != Buffer::State::unmapped) server.functions().BufferUnmap(buffer.handle);
  buffer.state = Buffer::State::unmapped;
  ++buffer.serial;
  buffer.destroyed = true;
  buffer.charge.release();
  server.functions().BufferDestroy(buffer.handle);
}

}  // namespace dcp::gpu
