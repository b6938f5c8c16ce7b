#include <chrono>
#include <thread>

#include "gpu/commands.hpp"
#include "gpu/copy_bytes.hpp"
#include "gpu/server.hpp"

namespace dcp::gpu {
namespace {

using State = Mapping::State;

// A mapping of more bytes is the poller's to copy, so that commands need not wait for that.
constexpr std::uint64_t kMostCopiedAtOnce = 1u << 20;

// For a thread of wgpu-native's that does not get its turn. It takes microseconds.
constexpr auto kLongestMapping = std::chrono::seconds(5);

/// A mapAsync on its way through wgpu-native. The server outlives it: it waits for the poller's thread.
struct MapRequest {
  Server& server;
  std::weak_ptr<Poller> poller;  ///< not shared: the poller keeps requests until it has finished them
  std::shared_ptr<Buffer> buffer;
  std::uint64_t serial;
  std::uint32_t request;
};

void copy_to_heap(Server& server, WGPUBuffer buffer, const Mapping& mapping) {
  if (mapping.size == 0) return;
  server.region().header().bytes_down.fetch_add(mapping.size, std::memory_order_relaxed);
  const void* mapped = server.functions().BufferGetConstMappedRange(buffer, mapping.offset, mapping.size);
  copy_bytes(mapping.block, static_cast<const std::byte*>(mapped), mapping.size);
}

void copy_from_heap(Server& server, WGPUBuffer buffer, const Mapping& mapping, const std::byte* block) {
  if (mapping.size == 0) return;
  server.region().header().bytes_up.fetch_add(mapping.size, std::memory_order_relaxed);
  void* mapped = server.functions().BufferGetMappedRange(buffer, mapping.offset, mapping.size);
  copy_bytes(static_cast<std::byte*>(mapped), block, mapping.size);
}

/// On the poller's thread.
void finish_map(const MapRequest& map, bool mapped, const std::string& message) {
  map.buffer->mapping.use([&](Mapping& mapping) {
    // Unmapped or destroyed meanwhile: the sandbox has settled the promise itself.
    if (mapping.serial != map.serial || mapping.state != State::pending) return;
    mapping.state = mapped ? State::mapped : State::unmapped;
    if (mapped) copy_to_heap(map.server, map.buffer->handle, mapping);
    map.server.replies().send(reply::Mapped{map.request, mapped, message});
  });
}

void on_mapped(WGPUMapAsyncStatus status, WGPUStringView message, void* request, void*) {
  const std::shared_ptr<MapRequest> map(static_cast<MapRequest*>(request));
  const std::shared_ptr<Poller> poller = map->poller.lock();
  if (!poller) return;
  if (status != WGPUMapAsyncStatus_Success) map->buffer->refused = map->serial;
  poller->mapping_ended([map, mapped = status == WGPUMapAsyncStatus_Success, text = clean_message(view(message))] {
    finish_map(*map, mapped, text);
  });
}

/// Unmaps in wgpu-native. While the poller makes a mapping, wgpu-core has taken the request out of the buffer, says
/// that it is not mapped, and maps it nevertheless: it is asked again until it has.
void unmap_handle(Call& call, Buffer& buffer, std::uint64_t serial) {
  Device& device = call.device();
  const auto deadline = std::chrono::steady_clock::now() + kLongestMapping;
  while (buffer.refused != serial) {
    device.begin_capture();
    call.functions().BufferUnmap(buffer.handle);
    if (!device.end_capture() || std::chrono::steady_clock::now() > deadline) return;
    std::this_thread::yield();
  }
}

std::shared_ptr<Buffer> buffer_of(Object& object) { return std::static_pointer_cast<Buffer>(object.resource); }

}  // namespace

void map_buffer(Call& call, const command::MapBuffer& command) {
  Server& server = call.server();
  if (!call.ready() || !call.self_entry().valid) {
    call.refuse("GPUBuffer is invalid");
    call.end();
    return server.replies().send(reply::Mapped{command.request, false, "the buffer is invalid"});
  }
  const std::shared_ptr<Buffer> buffer = buffer_of(call.self_entry());
  flush_writes(call);
  auto map =
      std::make_unique<MapRequest>(MapRequest{server, call.device().shared_poller(), buffer, 0, command.request});
  buffer->mapping.use([&](Mapping& mapping) {
    if (mapping.state != State::unmapped) call.bad_value("mapping a buffer that is not unmapped");
    mapping.begin(State::pending, command.mode, command.offset, command.size);
    mapping.block = command.block;
    map->serial = mapping.serial;
  });
  WGPUBufferMapCallbackInfo callback = WGPU_BUFFER_MAP_CALLBACK_INFO_INIT;
  callback.mode = WGPUCallbackMode_AllowSpontaneous;
  callback.callback = on_mapped;
  callback.userdata1 = map.release();  // on_mapped() takes it
  server.functions().BufferMapAsync(buffer->handle, command.mode, command.offset, command.size, callback);
  // Now: a poller that looked before wgpu-native knew of it would find nothing. It may have ended already.
  server.attend(call.device().shared_poller());
  call.device().poller().mapping_began();
  if (command.size > kMostCopiedAtOnce) server.hand_over();
}

void unmap_buffer(Call& call, const command::UnmapBuffer& command) {
  if (!call.ready() || !call.self_entry().valid) return;
  Server& server = call.server();
  Buffer& buffer = *buffer_of(call.self_entry());
  buffer.mapping.use([&](Mapping& mapping) {
    if (mapping.state == State::unmapped) return;
    if (command.written && mapping.state == State::mapped && mapping.mode == WGPUMapMode_Write) {
      copy_from_heap(server, buffer.handle, mapping, call.heap(command.block, mapping.size));
    }
    // wgpu-core keeps what such a buffer begins with, its zeroes too, until the next submission.
    if (mapping.of_creation) call.device().writes_pending = true;
    unmap_handle(call, buffer, mapping.serial);
    mapping.end();
  });
}

void destroy_buffer(Call& call, const command::DestroyBuffer&) {
  if (!call.ready() || !call.self_entry().valid) return;
  const Functions& functions = call.functions();
  Buffer& buffer = *buffer_of(call.self_entry());
  if (buffer.destroyed) return;
  buffer.destroyed = true;
  buffer.charge.release();
  buffer.mapping.use([&](Mapping& mapping) {
    if (mapping.state != State::unmapped) unmap_handle(call, buffer, mapping.serial);
    mapping.end();
    functions.BufferDestroy(buffer.handle);
  });
}

}  // namespace dcp::gpu
