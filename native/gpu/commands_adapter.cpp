#include <algorithm>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "gpu/adapter_choice.hpp"
#include "gpu/adapter_info.hpp"
#include "gpu/commands.hpp"
#include "gpu/server.hpp"
#include "gpu/workgroup_memory.hpp"
#include "gpu/write_in_place.hpp"

namespace dcp::gpu {
namespace {

constexpr auto kBetweenCommands = static_cast<WGPUFeatureName>(WGPUNativeFeature_TimestampQueryInsideEncoders);

bool times_submissions(Server& server, WGPUAdapter adapter) {
  const Functions& functions = server.functions();
  const Timestamps wanted = server.limits().timestamps;
  if (wanted == Timestamps::never) return false;
  if (wanted == Timestamps::hardware && describe(functions, adapter).type == WGPUAdapterType_CPU) return false;
  return functions.AdapterHasFeature(adapter, WGPUFeatureName_TimestampQuery) &&
         functions.AdapterHasFeature(adapter, kBetweenCommands);
}

/// What wgpu-native is asked for: what the sandbox asked for, and what the host needs.
std::vector<WGPUFeatureName> features_of(Call& call, const command::RequestDevice& command) {
  std::vector<WGPUFeatureName> features = command.features;
  for (const WGPUFeatureName feature : features) {
    if (!call.functions().AdapterHasFeature(command.self, feature)) {
      call.bad_value("a feature that the adapter does not support");
    }
  }
  // Needed by setImmediates, which the IDL has without a feature.
  const auto immediates = static_cast<WGPUFeatureName>(WGPUNativeFeature_Immediates);
  if (call.functions().AdapterHasFeature(command.self, immediates)) features.push_back(immediates);
  return features;
}

// wgpu-native may call while the sandbox has already forgotten the device, until the poller has released it.
using Owner = std::weak_ptr<Device>;

/// wgpu-native takes some errors for validation that wgpu-core says are for lack of memory.
bool is_out_of_memory(std::string_view message) {
  constexpr std::string_view text = "Not enough memory left.";
  return message == text ||
         (message.ends_with(text) && message.substr(0, message.size() - text.size()).ends_with(": "));
}

void on_error(WGPUDevice const*, WGPUErrorType type, WGPUStringView message, void* owner, void*) {
  const auto device = static_cast<Owner*>(owner)->lock();
  if (!device) return;
  std::string text = clean_message(view(message));
  if (type == WGPUErrorType_Validation && is_out_of_memory(text)) type = WGPUErrorType_OutOfMemory;
  if (device->checks_workgroup_storage && text.ends_with(kTooLarge)) {
    text += ", or the workgroup variables take more than maxComputeWorkgroupStorageSize";
  }
  device->report(type, std::move(text));
}

void on_lost(WGPUDevice const*, WGPUDeviceLostReason, WGPUStringView message, void* owner, void*) {
  if (const auto device = static_cast<Owner*>(owner)->lock()) device->report_lost(view(message));
}

struct Made {
  WGPUDevice device = nullptr;
  std::string message;
};

void on_device(WGPURequestDeviceStatus, WGPUDevice device, WGPUStringView message, void* made, void*) {
  *static_cast<Made*>(made) = {device, std::string(view(message))};
}

std::unique_ptr<Watchdog> make_watchdog(Server& server) {
  if (server.limits().timeout == Limits{}.timeout) return nullptr;
  return std::make_unique<Watchdog>(server.limits().timeout, [&server] { server.hung("a submission"); });
}

}  // namespace

void request_adapter(Call& call, const command::RequestAdapter& command) {
  Server& server = call.server();
  const Functions& functions = server.functions();
  const WGPUAdapter adapter = answer_request(functions, server.adapters(), command.power, command.fallback);
  call.produce(adapter);
  reply::Adapter reply{};
  reply.request = command.request;
  reply.found = adapter != nullptr;
  if (reply.found) {
    const AdapterInfo info = describe(functions, adapter);
    reply.vendor = identifier(info.vendor);
    reply.architecture = identifier(info.architecture);
    reply.device = identifier(info.device);
    reply.description = info.device + (info.description.empty() ? "" : ", " + info.description);
    reply.subgroupMinSize = info.subgroup_min_size;
    reply.subgroupMaxSize = info.subgroup_max_size;
    reply.isFallbackAdapter = info.type == WGPUAdapterType_CPU;
    std::ranges::copy_if(kFeatures, std::back_inserter(reply.features),
                         [&](WGPUFeatureName feature) { return functions.AdapterHasFeature(adapter, feature); });
    reply.limits = info.limits;
  }
  server.replies().send(reply);
}

void request_device(Call& call, const command::RequestDevice& command) {
  if (command.self == nullptr) call.bad_value("a device of no adapter");
  Server& server = call.server();
  std::vector<WGPUFeatureName> features = features_of(call, command);
  auto device = std::make_shared<Device>(call.result_id(), server.functions(), server.replies());
  auto owner = std::make_shared<Owner>(device);
  device->is_software = describe(server.functions(), command.self).type == WGPUAdapterType_CPU;
  device->writes_in_place = device->is_software && can_write_in_place(server.functions(), command.self);
  if (device->writes_in_place) {
    features.push_back(static_cast<WGPUFeatureName>(WGPUNativeFeature_MappablePrimaryBuffers));
  }
  device->has_timestamp_queries = std::ranges::count(features, WGPUFeatureName_TimestampQuery) > 0;
  const bool timed = times_submissions(server, command.self);
  if (timed) {
    if (!device->has_timestamp_queries) features.push_back(WGPUFeatureName_TimestampQuery);
    features.push_back(kBetweenCommands);
  }
  WGPUDeviceDescriptor descriptor = WGPU_DEVICE_DESCRIPTOR_INIT;
  descriptor.label = command.label;
  descriptor.requiredFeatures = features.data();
  descriptor.requiredFeatureCount = features.size();
  descriptor.requiredLimits = &command.limits;
  descriptor.deviceLostCallbackInfo.mode = WGPUCallbackMode_AllowSpontaneous;
  descriptor.deviceLostCallbackInfo.callback = on_lost;
  descriptor.deviceLostCallbackInfo.userdata1 = owner.get();
  descriptor.uncapturedErrorCallbackInfo.callback = on_error;
  descriptor.uncapturedErrorCallbackInfo.userdata1 = owner.get();
  Made made;
  WGPURequestDeviceCallbackInfo callback = WGPU_REQUEST_DEVICE_CALLBACK_INFO_INIT;
  callback.mode = WGPUCallbackMode_AllowSpontaneous;
  callback.callback = on_device;
  callback.userdata1 = &made;
  if (server.has_room_for_device()) {
    server.functions().AdapterRequestDevice(command.self, &descriptor, callback);
  } else {
    made.message = "a sandbox has no more devices at a time: destroy() those that are not needed";
  }
  if (made.device != nullptr) {
    const WGPUQueue queue = server.functions().DeviceGetQueue(made.device);
    auto timer =
        timed ? std::make_shared<GpuTimer>(server.functions(), made.device, queue, server.region().header()) : nullptr;
    device->adopt(made.device, queue, server.clock(), owner, make_watchdog(server), std::move(timer), server.enter());
    server.track(device);
  } else {
    device->set_lost();
  }
  const bool valid = made.device != nullptr;
  server.add(call.result_id(), {Kind::device, device->handle(), valid, device, nullptr, nullptr, {}});
  server.add(command.queue, {Kind::queue, device->queue(), valid, device, nullptr, nullptr, {}});
  server.replies().send(reply::Device{command.request, valid, clean_message(made.message)});
}

void destroy_device(Call& call, const command::DestroyDevice& command) {
  if (!call.ready()) return;
  call.functions().DeviceDestroy(command.self);
  call.server().end(call.device());
}

}  // namespace dcp::gpu
