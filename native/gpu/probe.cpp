#include "gpu/probe.hpp"

#include <vector>

#include "gpu/adapter_identity.hpp"
#include "gpu/adapter_info.hpp"
#include "gpu/compute_check.hpp"
#include "gpu/json.hpp"
#include "gpu/library.hpp"

namespace dcp::gpu {
namespace {

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
      .field("features", features.text())
      .field("limits", limits_json(info.limits));
  return out;
}

std::string compute_json(const Functions& functions, WGPUAdapter adapter) {
  const std::string error = check_compute(functions, adapter);
  JsonList compute('{', '}');
  compute.field("ok", error.empty() ? "true" : "false").field("error", json_string(error));
  return compute.text();
}

std::vector<FoundAdapter> found_adapters(const Functions& functions, WGPUInstanceBackend backends) {
  return identify(functions, find_adapters(functions, backends), vulkan_devices());
}

}  // namespace

std::string probe(const Functions& functions) {
  JsonList adapters('[', ']');
  for (const FoundAdapter& adapter : found_adapters(functions, WGPUInstanceBackend_Vulkan | WGPUInstanceBackend_GL)) {
    adapters.item(adapter_json(functions, adapter).field("compute", compute_json(functions, adapter.handle)).text());
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
