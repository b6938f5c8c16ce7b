#include <algorithm>
#include <limits>
#include <string>
#include <type_traits>

#include "gpu/adapter_choice.hpp"
#include "gpu/adapter_info.hpp"
#include "gpu/commands.hpp"
#include "gpu/server.hpp"

namespace dcp::gpu {
namespace {

void read_limits(Call& call, WGPULimits& limits) {
  for_each_limit(limits, [](auto& field) { field = 0; });
  for_each_limit(limits, [&call](auto& field) {
    using Number = std::remove_reference_t<decltype(field)>;
    const std::uint64_t value = call.u64();
    if (value > std::numeric_limits<Number>::max()) call.bad_value("a limit that is too large");
    field = std::max(field, static_cast<Number>(value));  // limits of the IDL can share one of webgpu.h
  });
}

constexpr auto kBetweenCommands = static_cast<WGPUFeatureName>(WGPUNativeFeature_TimestampQueryInsideEncoders);

bool times_submissions(Server& server, WGPUAdapter adapter) {
  const Functions& functions = server.functions();
  const Timestamps wanted = server.limits().timestamps;
  if (wanted == Timestamps::never) return false;
  if (wanted == Timestamps::hardware && describe(functions, adapter).type == WGPUAdapterType_CPU) return false;
  return functions.AdapterHasFeature(adapter, WGPUFeatureName_TimestampQuery) &&
         functions.AdapterHasFeature(adapter, kBetweenCommands);
}

std::vector<WGPUFeatureName> read_features(Call& call, WGPUAdapter adapter) {
  std::vector<WGPUFeatureName> features;
  for (std::uint32_t left = call.count(); left > 0; --left) {
    const WGPUFeatureName feature = call.enumerated(kFeatures, WGPUFeatureName_Force32);
    if (!call.functions().AdapterHasFeature(adapter, feature)) call.bad_value("a feature that the adapter has not");
    features.push_back(feature);
  }
  // Needed by setImmediates, which the IDL has without a feature.
  const auto immediates = static_cast<WGPUFeatureName>(WGPUNativeFeature_Immediates);
  if (call.functions().AdapterHasFeature(adapter, immediates)) features.push_back(immediates);
  return features;
}

// wgpu-native may call while the sandbox has already forgotten the device, until the poller has released it.
using Owner = std::weak_ptr<Device>;

void on_error(WGPUDevice const*, WGPUErrorType type, WGPUStringView message, void* owner, void*) {
  if (const auto device = static_cast<Owner*>(owner)->lock()) device->report(type, clean_message(view(message)));
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
  if (server.limits().submission == Limits{}.submission) return nullptr;
  return std::make_unique<Watchdog>(server.limits().submission, [&server] { server.hung("a submission"); });
}

}  // namespace

// adapter id, request, power preference, fallback only -> [request, found, info, features, limits]
void request_adapter(Call& call) {
  call.result(Kind::adapter);
  const std::uint32_t request = call.u32();
  const std::uint32_t power = call.u32();
  const bool fallback = call.boolean();
  call.finish();
  Server& server = call.server();
  if (power > static_cast<std::uint32_t>(Power::high)) call.bad_value("a power preference");
  const WGPUAdapter adapter = answer_request(server.functions(), server.adapters(), Power{power}, fallback);
  Reply reply(ReplyType::adapter);
  reply.u32(request).u32(adapter != nullptr);
  call.produce(adapter);
  if (adapter == nullptr) return server.replies().send(std::move(reply));
  const AdapterInfo info = describe(server.functions(), adapter);
  reply.text(info.vendor).text(info.architecture).text(info.device).text(info.description);
  reply.u32(info.subgroup_min_size).u32(info.subgroup_max_size).u32(info.type == WGPUAdapterType_CPU);
  std::uint32_t features = 0;
  for (std::uint32_t i = 0; i < std::size(kFeatures); ++i) {
    if (server.functions().AdapterHasFeature(adapter, kFeatures[i])) features |= 1u << i;
  }
  reply.u32(features);
  WGPULimits limits = info.limits;
  for_each_limit(limits, [&reply](auto& field) { reply.u64(field); });
  server.replies().send(std::move(reply));
}

// adapter, device id, queue id, request, label, features, limits -> [request, made, message]
void request_device(Call& call) {
  auto* adapter = static_cast<WGPUAdapter>(call.self(Kind::adapter));
  call.result(Kind::device);
  const std::uint32_t device_id = call.result_id();
  const std::uint32_t queue_id = call.u32();
  const std::uint32_t request = call.u32();
  WGPUDeviceDescriptor descriptor = WGPU_DEVICE_DESCRIPTOR_INIT;
  descriptor.label = call.string();
  if (adapter == nullptr) call.bad_value("a device of no adapter");
  std::vector<WGPUFeatureName> features = read_features(call, adapter);
  WGPULimits limits = WGPU_LIMITS_INIT;
  read_limits(call, limits);
  call.finish();
  Server& server = call.server();
  auto device = std::make_shared<Device>(device_id, server.functions(), server.replies());
  auto owner = std::make_shared<Owner>(device);
  device->has_timestamp_queries = std::ranges::count(features, WGPUFeatureName_TimestampQuery) > 0;
  const bool timed = times_submissions(server, adapter);
  if (timed) {
    if (!device->has_timestamp_queries) features.push_back(WGPUFeatureName_TimestampQuery);
    features.push_back(kBetweenCommands);
  }
  descriptor.requiredFeatures = features.data();
  descriptor.requiredFeatureCount = features.size();
  descriptor.requiredLimits = &limits;
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
  server.functions().AdapterRequestDevice(adapter, &descriptor, callback);
  if (made.device != nullptr) {
    const WGPUQueue queue = server.functions().DeviceGetQueue(made.device);
    auto timer =
        timed ? std::make_shared<GpuTimer>(server.functions(), made.device, queue, server.region().header()) : nullptr;
    device->adopt(made.device, queue, server.clock(), owner, make_watchdog(server), std::move(timer));
    server.track(device);
  } else {
    device->set_lost();
  }
  const bool valid = made.device != nullptr;
  server.add(device_id, {Kind::device, device->handle(), valid, device, nullptr, nullptr, {}});
  server.add(queue_id, {Kind::queue, device->queue(), valid, device, nullptr, nullptr, {}});
  server.replies().send(std::move(Reply(ReplyType::device).u32(request).u32(valid).text(clean_message(made.message))));
}

// device
void destroy_device(Call& call) {
  auto* device = static_cast<WGPUDevice>(call.self(Kind::device));
  call.finish();
  if (!call.ready()) return;
  call.device().set_lost();
  call.functions().DeviceDestroy(device);
}

}  // namespace dcp::gpu
