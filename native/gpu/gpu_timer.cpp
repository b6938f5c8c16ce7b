#include "gpu/gpu_timer.hpp"

#include <cstring>

namespace dcp::gpu {

GpuTimer::GpuTimer(const Functions& functions, WGPUDevice device, WGPUQueue queue, Header& header)
    : functions_(functions), device_(device), header_(header), period_(functions.QueueGetTimestampPeriod(queue)) {
  WGPUQuerySetDescriptor descriptor = WGPU_QUERY_SET_DESCRIPTOR_INIT;
  descriptor.type = WGPUQueryType_Timestamp;
  descriptor.count = 2 * kSlots;
  queries_ = functions.DeviceCreateQuerySet(device, &descriptor);
  resolved_ = buffer(WGPUBufferUsage_QueryResolve | WGPUBufferUsage_CopySrc, kSlots * kAlignment);
  for (std::uint32_t slot = 0; slot < kSlots; ++slot) {
    results_[slot] = buffer(WGPUBufferUsage_MapRead | WGPUBufferUsage_CopyDst, kBytes);
    free_.push_back(slot);
  }
  header.gpu_clock.store(kTimestamps, std::memory_order_release);
}

WGPUBuffer GpuTimer::buffer(WGPUBufferUsage usage, std::uint64_t size) const {
  WGPUBufferDescriptor descriptor = WGPU_BUFFER_DESCRIPTOR_INIT;
  descriptor.usage = usage;
  descriptor.size = size;
  return functions_.DeviceCreateBuffer(device_, &descriptor);
}

std::optional<GpuTimer::Span> GpuTimer::open() {
  std::uint32_t slot;
  {
    const std::lock_guard lock(mutex_);
    if (free_.empty()) return std::nullopt;
    slot = free_.back();
    free_.pop_back();
  }
  const WGPUCommandEncoder before = functions_.DeviceCreateCommandEncoder(device_, nullptr);
  functions_.CommandEncoderWriteTimestamp(before, queries_, 2 * slot);
  const WGPUCommandEncoder after = functions_.DeviceCreateCommandEncoder(device_, nullptr);
  functions_.CommandEncoderWriteTimestamp(after, queries_, 2 * slot + 1);
  functions_.CommandEncoderResolveQuerySet(after, queries_, 2 * slot, 2, resolved_, slot * kAlignment);
  functions_.CommandEncoderCopyBufferToBuffer(after, resolved_, slot * kAlignment, results_[slot], 0, kBytes);
  const Span span{slot, functions_.CommandEncoderFinish(before, nullptr),
                  functions_.CommandEncoderFinish(after, nullptr)};
  functions_.CommandEncoderRelease(before);
  functions_.CommandEncoderRelease(after);
  return span;
}

std::optional<std::uint32_t> GpuTimer::submitted(const Span& span, bool submitted) {
  functions_.CommandBufferRelease(span.before);
  functions_.CommandBufferRelease(span.after);
  if (submitted) return span.slot;
  const std::lock_guard lock(mutex_);
  free_.push_back(span.slot);
  return std::nullopt;
}

void GpuTimer::read(std::uint32_t slot) {
  bool mapped = false;
  WGPUBufferMapCallbackInfo callback = WGPU_BUFFER_MAP_CALLBACK_INFO_INIT;
  callback.mode = WGPUCallbackMode_AllowSpontaneous;
  callback.callback = [](WGPUMapAsyncStatus status, WGPUStringView, void* done, void*) {
    if (done != nullptr) *static_cast<bool*>(done) = status == WGPUMapAsyncStatus_Success;
  };
  callback.userdata1 = &mapped;
  functions_.BufferMapAsync(results_[slot], WGPUMapMode_Read, 0, kBytes, callback);
  functions_.DevicePoll(device_, false, nullptr);
  if (mapped) {
    std::uint64_t ticks[2];
    std::memcpy(ticks, functions_.BufferGetConstMappedRange(results_[slot], 0, kBytes), sizeof ticks);
    const double span = ticks[1] > ticks[0] ? static_cast<double>(ticks[1] - ticks[0]) * period_ : 0;
    header_.gpu_ns.fetch_add(static_cast<std::uint64_t>(span), std::memory_order_release);
  }
  functions_.BufferUnmap(results_[slot]);
  const std::lock_guard lock(mutex_);
  free_.push_back(slot);
}

void GpuTimer::release() {
  functions_.QuerySetRelease(queries_);
  functions_.BufferRelease(resolved_);
  for (const WGPUBuffer result : results_) functions_.BufferRelease(result);
}

}  // namespace dcp::gpu
