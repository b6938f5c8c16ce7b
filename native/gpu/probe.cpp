#include "gpu/probe.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <vector>

#include "gpu/adapter_identity.hpp"
#include "gpu/adapter_info.hpp"
#include "gpu/compute_check.hpp"
#include "gpu/crash.hpp"
#include "gpu/device.hpp"
#include "gpu/json.hpp"
#include "gpu/library.hpp"

namespace dcp::gpu {
namespace {

using Clock = std::chrono::steady_clock;

/// Warnings, and that it hides an adapter, which it tells at a lower level.
void on_log(WGPULogLevel level, WGPUStringView message, void*) {
  std::string text = clean_message(view(message));
  std::replace(text.begin(), text.end(), '\n', ' ');
  if (level <= WGPULogLevel_Warn || text.find("hiding adapter") != std::string::npos) say("wgpu: " + text);
}

/// Vendor and device as lspci has them, "10de:2330"; empty where the driver tells numbers that are not of PCI.
std::string pci_id(const AdapterInfo& info) {
  if (info.vendor_id == 0 || info.vendor_id > 0xFFFF || info.device_id > 0xFFFF) return {};
  char text[16];
  std::snprintf(text, sizeof text, "%04x:%04x", info.vendor_id, info.device_id);
  return text;
}

std::string limits_json(const WGPULimits& limits) {
  JsonList list('{', '}');
  WGPULimits copy = limits;
  std::size_t i = 0;
  for_each_limit(copy, [&](auto& field) { list.field(kLimitNames[i++], std::to_string(field)); });
  return list.text();
}

std::string text_or_null(const std::string& text) { return text.empty() ? "null" : json_string(text); }

JsonList adapter_json(const Functions& functions, const FoundAdapter& found) {
  const WGPUAdapter adapter = found.handle;
  const AdapterInfo info = describe(functions, adapter);
  JsonList features('[', ']');
  for (std::size_t i = 0; i < std::size(kFeatures); ++i) {
    if (functions.AdapterHasFeature(adapter, kFeatures[i])) features.item(json_string(kFeatureNames[i]));
  }
  JsonList out('{', '}');
  out.field("vendor", json_string(info.vendor))
      .field("architecture", json_string(info.architecture))
      .field("device", json_string(info.device))
      .field("description", json_string(info.description))
      .field("backend", json_string(backend_name(info.backend)))
      .field("type", json_string(type_name(info.type)))
      .field("driver", json_string(info.driver))
      .field("identity", info.backend == WGPUBackendType_Vulkan ? json_string(found.identity.text) : "null")
      .field("pci", text_or_null(found.identity.pci))
      .field("uuid", text_or_null(found.identity.uuid))
      .field("pci_id", json_string(pci_id(info)))
      .field("features", features.text())
      .field("limits", limits_json(info.limits));
  return out;
}

/// `before`: how long it took to find the adapters.
std::string compute_json(const Functions& functions, WGPUAdapter adapter, Clock::duration before) {
  const Clock::time_point start = Clock::now();
  const std::string error = check_compute(functions, adapter);
  const std::chrono::duration<double> taken = before + (Clock::now() - start);
  JsonList compute('{', '}');
  compute.field("ok", error.empty() ? "true" : "false").field("error", json_string(error));
  return compute.field("seconds", std::to_string(taken.count())).text();
}

std::vector<FoundAdapter> found_adapters(const Functions& functions, WGPUInstanceBackend backends) {
  const bool opengl = backends == WGPUInstanceBackend_GL;
  const std::vector<WGPUAdapter> found = find_adapters(functions, backends);
  return identify(functions, found, opengl ? std::vector<VulkanDevice>{} : vulkan_devices());
}

}  // namespace

std::string probe(const Functions& functions, WGPUInstanceBackend backends) {
  functions.SetLogCallback(on_log, nullptr);
  functions.SetLogLevel(WGPULogLevel_Debug);
  const Clock::time_point start = Clock::now();
  const std::vector<FoundAdapter> found = found_adapters(functions, backends);
  const Clock::duration finding = Clock::now() - start;
  JsonList adapters('[', ']');
  for (const FoundAdapter& adapter : found) {
    const std::string compute = compute_json(functions, adapter.handle, finding);
    adapters.item(adapter_json(functions, adapter).field("compute", compute).text());
  }
  JsonList out('{', '}');
  out.field("version", json_string(version_text(functions))).field("adapters", adapters.text());
  return out.text();
}

std::string list(const Functions& functions) {
  JsonList adapters('[', ']');
  for (const FoundAdapter& adapter : distinct(found_adapters(functions, WGPUInstanceBackend_Primary))) {
    adapters.item(adapter_json(functions, adapter).text());
  }
  JsonList out('{', '}');
  return out.field("version", json_string(version_text(functions))).field("adapters", adapters.text()).text();
}

}  // namespace dcp::gpu
