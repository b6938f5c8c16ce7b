#include "fake_wgpu.hpp"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "fake_handles.hpp"

namespace dcp::fuzz {
namespace {

constexpr std::uint64_t kLargestBuffer = 1 << 16;

// --- Looking at what is handed over ---

unsigned sink = 0;

void touch(const void* data, std::size_t size) {
  for (std::size_t i = 0; i < size; ++i) sink += static_cast<const unsigned char*>(data)[i];
}

void look(WGPUStringView text) {
  if (text.data != nullptr) touch(text.data, text.length == WGPU_STRLEN ? std::strlen(text.data) : text.length);
}

template <typename T>
void may_be_null(T* handle) {
  if (handle != nullptr) known(handle);
}

void look(const WGPUBindGroupEntry& entry) {
  may_be_null(entry.buffer);
  may_be_null(entry.sampler);
  may_be_null(entry.textureView);
}

void look(const WGPUConstantEntry& constant) { look(constant.key); }

template <typename T>
void look_all(std::size_t count, const T* items) {
  for (std::size_t i = 0; i < count; ++i) look(items[i]);
}

template <typename Stage>
void look_stage(const Stage& stage) {
  known(stage.module);
  look(stage.entryPoint);
  look_all(stage.constantCount, stage.constants);
}

template <typename Pass>
void look_timestamps(const Pass* writes) {
  if (writes != nullptr) known(writes->querySet);
}

void look(const WGPUBindGroupDescriptor* d) {
  look(d->label);
  known(d->layout);
  look_all(d->entryCount, d->entries);
}

void look(const WGPUBindGroupLayoutDescriptor* d) {
  look(d->label);
  touch(d->entries, d->entryCount * sizeof *d->entries);
}

void look(const WGPUPipelineLayoutDescriptor* d) {
  look(d->label);
  for (std::size_t i = 0; i < d->bindGroupLayoutCount; ++i) may_be_null(d->bindGroupLayouts[i]);
}

void look(const WGPUShaderModuleDescriptor* d) {
  look(d->label);
  if (d->nextInChain->sType == WGPUSType_ShaderSourceWGSL) {
    look(reinterpret_cast<const WGPUShaderSourceWGSL*>(d->nextInChain)->code);
  }
}

void look(const WGPUComputePipelineDescriptor* d) {
  look(d->label);
  may_be_null(d->layout);
  look_stage(d->compute);
}

void look(const WGPURenderPipelineDescriptor* d) {
  look(d->label);
  may_be_null(d->layout);
  look_stage(d->vertex);
  for (std::size_t i = 0; i < d->vertex.bufferCount; ++i) {
    const WGPUVertexBufferLayout& buffer = d->vertex.buffers[i];
    touch(buffer.attributes, buffer.attributeCount * sizeof *buffer.attributes);
  }
  if (d->depthStencil != nullptr) touch(d->depthStencil, sizeof *d->depthStencil);
  if (d->fragment == nullptr) return;
  look_stage(*d->fragment);
  for (std::size_t i = 0; i < d->fragment->targetCount; ++i) {
    const WGPUColorTargetState& target = d->fragment->targets[i];
    if (target.blend != nullptr) touch(target.blend, sizeof *target.blend);
  }
}

void look(const WGPUComputePassDescriptor* d) {
  look(d->label);
  look_timestamps(d->timestampWrites);
}

void look(const WGPURenderPassDescriptor* d) {
  look(d->label);
  look_timestamps(d->timestampWrites);
  may_be_null(d->occlusionQuerySet);
  for (std::size_t i = 0; i < d->colorAttachmentCount; ++i) {
    may_be_null(d->colorAttachments[i].view);
    may_be_null(d->colorAttachments[i].resolveTarget);
  }
  if (d->depthStencilAttachment != nullptr) known(d->depthStencilAttachment->view);
}

void look(const WGPURenderBundleEncoderDescriptor* d) {
  look(d->label);
  touch(d->colorFormats, d->colorFormatCount * sizeof *d->colorFormats);
}

void look(const WGPUTextureDescriptor* d) {
  look(d->label);
  touch(d->viewFormats, d->viewFormatCount * sizeof *d->viewFormats);
}

void look(const WGPUTexelCopyTextureInfo* info) { known(info->texture); }
void look(const WGPUTexelCopyBufferInfo* info) { known(info->buffer); }

template <typename T>
concept Complete = requires { sizeof(T); };

std::size_t last_number = 0;  // webgpu.h puts the count of an array before it

/// An argument of any function: a number, a handle (a pointer to what no header defines), or a struct's address.
template <typename T>
void argument(const T& value) {
  if constexpr (std::is_pointer_v<T>) {
    using Target = std::remove_pointer_t<T>;
    if constexpr (std::is_void_v<Target> || std::is_function_v<Target>) {
      return;
    } else if constexpr (std::is_same_v<T, WGPUBindGroup>) {
      may_be_null(value);  // setBindGroup(index, null)
    } else if constexpr (!Complete<std::remove_const_t<Target>>) {
      known(value);
    } else if constexpr (std::is_arithmetic_v<Target>) {
      touch(value, last_number * sizeof *value);
    } else if (value != nullptr) {
      if constexpr (requires { look(value); }) {
        look(value);
      } else if constexpr (requires { look(value->label); }) {
        look(value->label);
      } else {
        touch(value, sizeof *value);
      }
    }
  } else if constexpr (std::is_integral_v<T>) {
    last_number = static_cast<std::size_t>(value);
  } else if constexpr (std::is_same_v<T, WGPUStringView>) {
    look(value);
  }
}

template <typename Result, typename Callee, typename... Arguments>
Result any_call(Callee object, Arguments... arguments) {
  argument(object);
  if constexpr (std::is_pointer_v<Callee> && !std::is_function_v<std::remove_pointer_t<Callee>>) callee(object);
  (argument(arguments), ...);
  fails();
  if constexpr (std::is_pointer_v<Result>) {
    return static_cast<Result>(make_handle());
  } else if constexpr (!std::is_void_v<Result>) {
    return Result{};
  }
}

/// Becomes a fake of whatever function it is assigned to.
struct AnyFunction {
  template <typename Result, typename... Arguments>
  using Pointer = Result (*)(Arguments...);
  template <typename Result, typename Callee, typename... Arguments>
  operator Pointer<Result, Callee, Arguments...>() const {
    return &any_call<Result, Callee, Arguments...>;
  }
  /// Those without an object are never called here.
  template <typename Result>
  operator Pointer<Result>() const {
    return nullptr;
  }
};

template <std::size_t... Index>
gpu::Functions any_functions(std::index_sequence<Index...>) {
  return gpu::Functions{(static_cast<void>(Index), AnyFunction{})...};
}

// --- Functions with a meaning of their own ---

void adapter_get_info(WGPUAdapter adapter, WGPUAdapterInfo* info) {
  known(adapter);
  info->adapterType = WGPUAdapterType_CPU;
  info->backendType = WGPUBackendType_Vulkan;
}

WGPUBool has_feature(WGPUAdapter adapter, WGPUFeatureName) {
  known(adapter);
  return true;
}

WGPUFuture request_device(WGPUAdapter adapter, const WGPUDeviceDescriptor* descriptor,
                          WGPURequestDeviceCallbackInfo callback) {
  known(adapter);
  look(descriptor->label);
  touch(descriptor->requiredFeatures, descriptor->requiredFeatureCount * sizeof *descriptor->requiredFeatures);
  auto* device = static_cast<WGPUDevice>(make_handle());
  Handle* handle = known(device);
  {
    State& s = state();
    const std::lock_guard lock(s.mutex);
    handle->device = device;
    handle->on_error = descriptor->uncapturedErrorCallbackInfo;
    ++s.devices;
  }
  callback.callback(WGPURequestDeviceStatus_Success, device, {}, callback.userdata1, callback.userdata2);
  return {};
}

WGPUBuffer create_buffer(WGPUDevice device, const WGPUBufferDescriptor* descriptor) {
  callee(device);
  look(descriptor->label);
  void* handle = make_handle();
  if (!fails(descriptor->size > kLargestBuffer)) known(handle)->bytes.resize(descriptor->size);
  return static_cast<WGPUBuffer>(handle);
}

/// What wgpu-native answers with an error that is fatal: the decoder must not ask for it.
void* mapped_range(WGPUBuffer buffer, std::size_t offset, std::size_t size) {
  std::vector<std::byte>& bytes = known(buffer)->bytes;
  if (offset > kLargestBuffer || size > kLargestBuffer - offset) std::abort();
  if (bytes.size() < offset + size) bytes.resize(offset + size);
  return bytes.data() + offset;
}

const void* const_mapped_range(WGPUBuffer buffer, std::size_t offset, std::size_t size) {
  return mapped_range(buffer, offset, size);
}

WGPUFuture map_buffer(WGPUBuffer buffer, WGPUMapMode, std::size_t offset, std::size_t size,
                      WGPUBufferMapCallbackInfo callback) {
  const std::size_t there = known(buffer)->bytes.size();
  const bool mapped = offset <= there && size <= there - offset;
  callback.callback(mapped ? WGPUMapAsyncStatus_Success : WGPUMapAsyncStatus_Error, {}, callback.userdata1,
                    callback.userdata2);
  return {};
}

void write_buffer(WGPUQueue queue, WGPUBuffer buffer, std::uint64_t, const void* data, std::size_t size) {
  callee(queue);
  known(buffer);
  touch(data, std::min<std::size_t>(size, 1 << 16));
  if (size > 0) touch(static_cast<const std::byte*>(data) + size - 1, 1);
  fails();
}

WGPUSubmissionIndex submit(WGPUQueue queue, std::size_t count, const WGPUCommandBuffer* commands) {
  callee(queue);
  for (std::size_t i = 0; i < count; ++i) known(commands[i]);
  fails();
  return 1;
}

WGPUBool poll(WGPUDevice device, WGPUBool, const WGPUSubmissionIndex*) {
  known(device);
  return true;
}

gpu::Functions make_functions() {
  constexpr std::size_t count = sizeof(gpu::Functions) / sizeof(void*);
  gpu::Functions functions = any_functions(std::make_index_sequence<count>());
  gpu::for_each_function(functions, [](const char* name, void** function) {
    if (std::string_view(name).ends_with("Release")) *function = reinterpret_cast<void*>(&release);
    if (std::string_view(name).ends_with("AddRef")) *function = reinterpret_cast<void*>(&add_reference);
  });
  functions.AdapterGetInfo = [](WGPUAdapter adapter, WGPUAdapterInfo* info) {
    adapter_get_info(adapter, info);
    return WGPUStatus_Success;
  };
  functions.AdapterInfoFreeMembers = [](WGPUAdapterInfo) {};
  functions.AdapterHasFeature = has_feature;
  functions.AdapterRequestDevice = request_device;
  functions.DeviceCreateBuffer = create_buffer;
  functions.BufferGetMappedRange = mapped_range;
  functions.BufferGetConstMappedRange = const_mapped_range;
  functions.BufferMapAsync = map_buffer;
  functions.QueueWriteBuffer = write_buffer;
  functions.QueueSubmitForIndex = submit;
  functions.DevicePoll = poll;
  return functions;
}

}  // namespace

const gpu::Functions& fake_functions() {
  static const gpu::Functions functions = make_functions();
  return functions;
}

WGPUAdapter fake_adapter() { return static_cast<WGPUAdapter>(make_handle()); }

void wait_for_devices() {
  State& s = state();
  std::unique_lock lock(s.mutex);
  s.released.wait(lock, [&] { return s.devices == 0; });
}

void forget_all() {
  State& s = state();
  const std::lock_guard lock(s.mutex);
  if (s.live.size() != 1) fail("no release of some handles");  // all but the adapter's
  s.live.clear();
  s.calls = 0;
}

}  // namespace dcp::fuzz
