#include "gpu/adapter_info.hpp"

#include <algorithm>
#include <cstdio>

#include "gpu/device.hpp"

namespace dcp::gpu {
namespace {

std::string vendor_name(std::uint32_t id) {
  switch (id) {
    case 0x1002:
      return "amd";
    case 0x10DE:
      return "nvidia";
    case 0x8086:
      return "intel";
    case 0x13B5:
      return "arm";
    case 0x106B:
      return "apple";
    case 0x5143:
      return "qualcomm";
    case 0x10005:
      return "mesa";
    default:
      char text[16];
      std::snprintf(text, sizeof text, "0x%04x", id);
      return id == 0 ? "" : text;
  }
}

int rank(WGPUAdapterType type) {
  switch (type) {
    case WGPUAdapterType_DiscreteGPU:
      return 0;
    case WGPUAdapterType_IntegratedGPU:
      return 1;
    case WGPUAdapterType_CPU:
      return 3;
    default:
      return 2;
  }
}

constexpr std::uint32_t kLeastGroupsAndVertexBuffers = 24;  // the default limit, which every adapter has

}  // namespace

std::string identifier(std::string_view text) {
  std::string made;
  for (const char c : text) {
    const char lower = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    const bool kept = (lower >= 'a' && lower <= 'z') || (lower >= '0' && lower <= '9');
    if (kept) {
      made += lower;
    } else if (!made.empty() && made.back() != '-') {
      made += '-';
    }
  }
  if (!made.empty() && made.back() == '-') made.pop_back();
  return made;
}

const char* backend_name(WGPUBackendType backend) {
  switch (backend) {
    case WGPUBackendType_Vulkan:
      return "vulkan";
    case WGPUBackendType_Metal:
      return "metal";
    case WGPUBackendType_D3D12:
      return "d3d12";
    case WGPUBackendType_OpenGL:
      return "opengl";
    case WGPUBackendType_OpenGLES:
      return "opengles";
    default:
      return "unknown";
  }
}

const char* type_name(WGPUAdapterType type) {
  switch (type) {
    case WGPUAdapterType_DiscreteGPU:
      return "discrete";
    case WGPUAdapterType_IntegratedGPU:
      return "integrated";
    case WGPUAdapterType_CPU:
      return "cpu";
    default:
      return "unknown";
  }
}

AdapterInfo describe(const Functions& functions, WGPUAdapter adapter) {
  WGPUAdapterInfo raw = WGPU_ADAPTER_INFO_INIT;
  functions.AdapterGetInfo(adapter, &raw);
  AdapterInfo info;
  info.vendor = vendor_name(raw.vendorID);
  info.vendor_id = raw.vendorID;
  info.device_id = raw.deviceID;
  info.device = view(raw.device);
  info.driver = view(raw.vendor);
  info.description = info.driver;
  if (const std::string_view version = view(raw.description); !version.empty()) {
    info.description += (info.description.empty() ? "" : " ") + std::string(version);
  }
  info.backend = raw.backendType;
  info.type = raw.adapterType;
  // wgpu-native 29 does not tell them: the bounds that the specification gives.
  info.subgroup_min_size = raw.subgroupMinSize == 0 ? 4 : raw.subgroupMinSize;
  info.subgroup_max_size = raw.subgroupMaxSize == 0 ? 128 : raw.subgroupMaxSize;
  functions.AdapterInfoFreeMembers(raw);
  info.limits = WGPU_LIMITS_INIT;
  functions.AdapterGetLimits(adapter, &info.limits);
  std::uint32_t& both = info.limits.maxBindGroupsPlusVertexBuffers;
  if (both == WGPU_LIMIT_U32_UNDEFINED) {  // wgpu-core has no such limit: what the other two allow
    both = std::max(kLeastGroupsAndVertexBuffers, info.limits.maxBindGroups + info.limits.maxVertexBuffers);
  }
  return info;
}

std::vector<WGPUAdapter> find_adapters(const Functions& functions, WGPUInstanceBackend backends) {
  WGPUInstanceExtras extras{};
  extras.chain.sType = static_cast<WGPUSType>(WGPUSType_InstanceExtras);
  extras.backends = backends;
  // Indirect calls that break the limits do nothing, and resolved timestamps are nanoseconds, as the specification
  // says.
  extras.flags = WGPUInstanceFlag_ValidationIndirectCall | WGPUInstanceFlag_AutomaticTimestampNormalization;
  WGPUInstanceDescriptor descriptor = WGPU_INSTANCE_DESCRIPTOR_INIT;
  descriptor.nextInChain = &extras.chain;
  const WGPUInstance instance = functions.CreateInstance(&descriptor);
  if (instance == nullptr) return {};
  std::vector<WGPUAdapter> adapters(functions.InstanceEnumerateAdapters(instance, nullptr, nullptr));
  adapters.resize(std::min(adapters.size(), functions.InstanceEnumerateAdapters(instance, nullptr, adapters.data())));
  std::stable_sort(adapters.begin(), adapters.end(), [&](WGPUAdapter a, WGPUAdapter b) {
    return rank(describe(functions, a).type) < rank(describe(functions, b).type);
  });
  return adapters;
}

}  // namespace dcp::gpu
