#include "gpu/write_in_place.hpp"

#include <atomic>
#include <chrono>
#include <memory>
#include <thread>

#include "gpu/copy_bytes.hpp"
#include "gpu/device.hpp"

namespace dcp::gpu {
namespace {

constexpr std::uint64_t kWorthMapping = 64u << 10;  // bytes of a write
constexpr std::uint64_t kWorthUsage = 1u << 20;     // bytes of a buffer
constexpr auto kLongestMapping = std::chrono::seconds(5);

enum class State { pending, mapped, refused };
using Shared = std::shared_ptr<std::atomic<State>>;

void on_mapped(WGPUMapAsyncStatus status, WGPUStringView, void* shared, void*) {
  const std::unique_ptr<Shared> state(static_cast<Shared*>(shared));
  **state = status == WGPUMapAsyncStatus_Success ? State::mapped : State::refused;
}

/// Maps a buffer that the GPU does not use: any poll ends that, this thread's or that of the device's poller.
bool map_now(const Functions& functions, const Device& device, WGPUBuffer buffer, std::uint64_t offset,
             std::uint64_t size) {
  const auto state = std::make_shared<std::atomic<State>>(State::pending);
  WGPUBufferMapCallbackInfo callback = WGPU_BUFFER_MAP_CALLBACK_INFO_INIT;
  callback.mode = WGPUCallbackMode_AllowSpontaneous;
  callback.callback = on_mapped;
  callback.userdata1 = new Shared(state);
  functions.BufferMapAsync(buffer, WGPUMapMode_Write, offset, size, callback);
  const auto deadline = std::chrono::steady_clock::now() + kLongestMapping;
  while (*state == State::pending && std::chrono::steady_clock::now() < deadline) {
    functions.DevicePoll(device.handle(), false, nullptr);
    if (*state == State::pending) std::this_thread::yield();
  }
  return *state == State::mapped;
}

bool fits(const Buffer& buffer, std::uint64_t offset, std::uint64_t size) {
  return size >= kWorthMapping && size % 4 == 0 && offset % 8 == 0 && offset <= buffer.size &&
         size <= buffer.size - offset;
}

/// Whether no command that came before can still read or write the buffer.
bool is_at_rest(Device& device, const Buffer& buffer) {
  const auto state = buffer.mapping.use([](const Mapping& mapping) { return mapping.state; });
  return !buffer.destroyed && state == Mapping::State::unmapped && !device.writes_pending && device.poller().is_idle();
}

}  // namespace

bool can_write_in_place(const Functions& functions, WGPUAdapter adapter) {
  const auto any_usage = static_cast<WGPUFeatureName>(WGPUNativeFeature_MappablePrimaryBuffers);
  return functions.AdapterHasFeature(adapter, any_usage) != 0;
}

WGPUBufferUsage usage_for_writes(const Device& device, WGPUBufferUsage usage, std::uint64_t size) {
  const bool is_mappable = (usage & (WGPUBufferUsage_MapRead | WGPUBufferUsage_MapWrite)) != 0;
  const bool is_written = (usage & WGPUBufferUsage_CopyDst) != 0;
  if (!device.writes_in_place || is_mappable || !is_written || size < kWorthUsage) return usage;
  return usage | WGPUBufferUsage_MapWrite;
}

bool write_in_place(Call& call, const Buffer& buffer, std::uint64_t offset, const void* data, std::uint64_t size) {
  Device& device = call.device();
  const Functions& functions = call.functions();
  if (!buffer.is_written_in_place || !fits(buffer, offset, size) || !is_at_rest(device, buffer)) return false;
  device.begin_capture();
  void* mapped = nullptr;
  if (map_now(functions, device, buffer.handle, offset, size)) {
    mapped = functions.BufferGetMappedRange(buffer.handle, offset, size);
  }
  if (mapped != nullptr) copy_bytes(static_cast<std::byte*>(mapped), static_cast<const std::byte*>(data), size);
  functions.BufferUnmap(buffer.handle);
  (void)device.end_capture();
  device.begin_call();
  return mapped != nullptr;
}

}  // namespace dcp::gpu
