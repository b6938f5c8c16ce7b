#include "gpu/compute_check.hpp"

#include <cstring>
#include <string_view>
#include <vector>

#include "gpu/device.hpp"

namespace dcp::gpu {
namespace {

constexpr std::uint32_t kItems = 256;
constexpr std::string_view kShader =
    "@group(0) @binding(0) var<storage, read_write> items: array<u32>;\n"
    "@compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {\n"
    "  items[id.x] = items[id.x] * id.x + 7u;\n"
    "}\n";

WGPUStringView text(std::string_view value) { return {value.data(), value.size()}; }

/// Runs one shader on one adapter. The few handles live until the process ends.
class ComputeCheck {
 public:
  explicit ComputeCheck(const Functions& functions) : f_(functions) {}

  /// The reason of the failure, empty where the result is right.
  std::string run(WGPUAdapter adapter) {
    request_device(adapter);
    if (device_ == nullptr) return error_.empty() ? "no device" : error_;
    queue_ = f_.DeviceGetQueue(device_);
    const WGPUBuffer storage = buffer(WGPUBufferUsage_Storage | WGPUBufferUsage_CopyDst | WGPUBufferUsage_CopySrc);
    const WGPUBuffer result = buffer(WGPUBufferUsage_MapRead | WGPUBufferUsage_CopyDst);
    std::vector<std::uint32_t> items(kItems);
    for (std::uint32_t i = 0; i < kItems; ++i) items[i] = i + 1;
    f_.QueueWriteBuffer(queue_, storage, 0, items.data(), kItems * 4);
    dispatch(storage, result);
    if (!error_.empty()) return error_;
    return compare(result);
  }

 private:
  static void on_error(WGPUDevice const*, WGPUErrorType, WGPUStringView message, void* self, void*) {
    std::string& error = static_cast<ComputeCheck*>(self)->error_;
    if (error.empty()) error = clean_message(view(message));
  }
  static void on_lost(WGPUDevice const*, WGPUDeviceLostReason, WGPUStringView message, void* self, void*) {
    static_cast<ComputeCheck*>(self)->error_ = "device lost: " + std::string(view(message));
  }
  static void on_device(WGPURequestDeviceStatus, WGPUDevice device, WGPUStringView message, void* self, void*) {
    auto* check = static_cast<ComputeCheck*>(self);
    check->device_ = device;
    if (device == nullptr) check->error_ = clean_message(view(message));
  }
  static void on_mapped(WGPUMapAsyncStatus status, WGPUStringView, void* mapped, void*) {
    *static_cast<bool*>(mapped) = status == WGPUMapAsyncStatus_Success;
  }

  void request_device(WGPUAdapter adapter) {
    WGPUDeviceDescriptor descriptor = WGPU_DEVICE_DESCRIPTOR_INIT;
    descriptor.uncapturedErrorCallbackInfo.callback = on_error;
    descriptor.uncapturedErrorCallbackInfo.userdata1 = this;
    descriptor.deviceLostCallbackInfo.mode = WGPUCallbackMode_AllowSpontaneous;
    descriptor.deviceLostCallbackInfo.callback = on_lost;
    descriptor.deviceLostCallbackInfo.userdata1 = this;
    WGPURequestDeviceCallbackInfo callback = WGPU_REQUEST_DEVICE_CALLBACK_INFO_INIT;
    callback.mode = WGPUCallbackMode_AllowSpontaneous;
    callback.callback = on_device;
    callback.userdata1 = this;
    f_.AdapterRequestDevice(adapter, &descriptor, callback);
  }

  WGPUBuffer buffer(WGPUBufferUsage usage) {
    WGPUBufferDescriptor descriptor = WGPU_BUFFER_DESCRIPTOR_INIT;
    descriptor.size = kItems * 4;
    descriptor.usage = usage;
    return f_.DeviceCreateBuffer(device_, &descriptor);
  }

  void dispatch(WGPUBuffer storage, WGPUBuffer result) {
    WGPUShaderSourceWGSL source = WGPU_SHADER_SOURCE_WGSL_INIT;
    source.code = text(kShader);
    WGPUShaderModuleDescriptor module = WGPU_SHADER_MODULE_DESCRIPTOR_INIT;
    module.nextInChain = &source.chain;
    WGPUComputePipelineDescriptor descriptor = WGPU_COMPUTE_PIPELINE_DESCRIPTOR_INIT;
    descriptor.compute.module = f_.DeviceCreateShaderModule(device_, &module);
    descriptor.compute.entryPoint = text("main");
    const WGPUComputePipeline pipeline = f_.DeviceCreateComputePipeline(device_, &descriptor);
    if (!error_.empty()) return;
    WGPUBindGroupEntry entry = WGPU_BIND_GROUP_ENTRY_INIT;
    entry.buffer = storage;
    WGPUBindGroupDescriptor group = WGPU_BIND_GROUP_DESCRIPTOR_INIT;
    group.layout = f_.ComputePipelineGetBindGroupLayout(pipeline, 0);
    group.entryCount = 1;
    group.entries = &entry;
    const WGPUCommandEncoder encoder = f_.DeviceCreateCommandEncoder(device_, nullptr);
    const WGPUComputePassEncoder pass = f_.CommandEncoderBeginComputePass(encoder, nullptr);
    f_.ComputePassEncoderSetPipeline(pass, pipeline);
    f_.ComputePassEncoderSetBindGroup(pass, 0, f_.DeviceCreateBindGroup(device_, &group), 0, nullptr);
    f_.ComputePassEncoderDispatchWorkgroups(pass, kItems / 64, 1, 1);
    f_.ComputePassEncoderEnd(pass);
    f_.CommandEncoderCopyBufferToBuffer(encoder, storage, 0, result, 0, kItems * 4);
    const WGPUCommandBuffer commands = f_.CommandEncoderFinish(encoder, nullptr);
    if (error_.empty()) f_.QueueSubmitForIndex(queue_, 1, &commands);
  }

  std::string compare(WGPUBuffer result) {
    bool mapped = false;
    WGPUBufferMapCallbackInfo callback = WGPU_BUFFER_MAP_CALLBACK_INFO_INIT;
    callback.mode = WGPUCallbackMode_AllowSpontaneous;
    callback.callback = on_mapped;
    callback.userdata1 = &mapped;
    f_.BufferMapAsync(result, WGPUMapMode_Read, 0, kItems * 4, callback);
    f_.DevicePoll(device_, true, nullptr);
    if (!mapped) return error_.empty() ? "the result could not be mapped" : error_;
    std::uint32_t values[kItems];
    std::memcpy(values, f_.BufferGetConstMappedRange(result, 0, sizeof values), sizeof values);
    for (std::uint32_t i = 0; i < kItems; ++i) {
      if (values[i] != (i + 1) * i + 7) return "wrong result at " + std::to_string(i);
    }
    return {};
  }

  const Functions& f_;
  WGPUDevice device_ = nullptr;
  WGPUQueue queue_ = nullptr;
  std::string error_;
};

}  // namespace

std::string check_compute(const Functions& functions, WGPUAdapter adapter) {
  // wgpu-native may call back as long as the device lives.
  return (new ComputeCheck(functions))->run(adapter);
}

}  // namespace dcp::gpu
