#include "gpu/adapter_identity.hpp"

#include <algorithm>
#include <cstdio>
#include <map>
#include <tuple>

#include "gpu/adapter_info.hpp"

namespace dcp::gpu {
namespace {

using Kind = std::tuple<std::string, std::uint32_t, std::uint32_t, std::string>;

struct Described {
  Kind kind;
  VulkanDevice device;
};

Kind kind_of(const AdapterInfo& info) { return {info.device, info.vendor_id, info.device_id, info.driver}; }
Kind kind_of(const VulkanDevice& device) { return {device.name, device.vendor, device.device, device.driver}; }

bool same_gpu(const Described& a, const Described& b) {
  if (!a.device.uuid.empty() && a.device.uuid == b.device.uuid) return true;
  // One driver may offer parts of a GPU as devices with UUIDs of their own.
  return !a.device.pci.empty() && a.device.pci == b.device.pci && a.device.driver != b.device.driver;
}

/// The devices of each kind, where wgpu-native offers all of them or none: else it is not sure which is which.
std::map<Kind, std::vector<VulkanDevice>> by_kind(const std::vector<VulkanDevice>& devices,
                                                  const std::map<Kind, std::size_t>& counts) {
  std::map<Kind, std::vector<VulkanDevice>> sorted;
  for (const VulkanDevice& device : devices) sorted[kind_of(device)].push_back(device);
  std::erase_if(sorted, [&counts](const auto& entry) {
    const auto count = counts.find(entry.first);
    return count == counts.end() || count->second != entry.second.size();
  });
  return sorted;
}

std::vector<Described> describe_all(const Functions& functions, const std::vector<WGPUAdapter>& adapters,
                                    const std::vector<VulkanDevice>& devices) {
  std::vector<Described> found;
  std::map<Kind, std::size_t> counts;
  for (const WGPUAdapter adapter : adapters) {
    const AdapterInfo info = describe(functions, adapter);
    // Other backends have no device among Vulkan's.
    found.push_back({info.backend == WGPUBackendType_Vulkan ? kind_of(info) : Kind{}, {}});
    ++counts[found.back().kind];
  }
  const auto sorted = by_kind(devices, counts);
  std::map<Kind, std::size_t> taken;
  for (Described& each : found) {
    const auto those = sorted.find(each.kind);
    if (those != sorted.end()) each.device = those->second[taken[each.kind]++];
  }
  return found;
}

bool shares_its_place(const Described& each, const std::vector<Described>& all) {
  return std::any_of(all.begin(), all.end(), [&each](const Described& other) {
    return other.device.pci == each.device.pci && &other != &each && !same_gpu(each, other);
  });
}

std::string own_text(const Described& each, const std::vector<Described>& all, std::size_t number) {
  if (!each.device.pci.empty() && !shares_its_place(each, all)) return each.device.pci;
  if (!each.device.uuid.empty()) return each.device.uuid;
  char text[48];
  std::snprintf(text, sizeof text, "%04x:%04x#%zu", std::get<1>(each.kind), std::get<2>(each.kind), number);
  return text;
}

}  // namespace

std::vector<FoundAdapter> identify(const Functions& functions, const std::vector<WGPUAdapter>& adapters,
                                   const std::vector<VulkanDevice>& devices) {
  const std::vector<Described> all = describe_all(functions, adapters, devices);
  std::map<std::pair<std::uint32_t, std::uint32_t>, std::size_t> numbers;
  std::vector<FoundAdapter> found;
  for (std::size_t i = 0; i < all.size(); ++i) {
    const Described& each = all[i];
    const std::size_t number = numbers[{std::get<1>(each.kind), std::get<2>(each.kind)}]++;
    const auto first = std::find_if(
        all.begin(), all.end(), [&each](const Described& other) { return &other == &each || same_gpu(each, other); });
    const auto before = static_cast<std::size_t>(first - all.begin());
    const std::string text = before < i ? found[before].identity.text : own_text(each, all, number);
    found.push_back({adapters[i], {text, each.device.pci, each.device.uuid}});
  }
  return found;
}

std::vector<FoundAdapter> distinct(const std::vector<FoundAdapter>& adapters) {
  std::vector<FoundAdapter> kept;
  for (const FoundAdapter& adapter : adapters) {
    const bool known = std::any_of(kept.begin(), kept.end(), [&](const FoundAdapter& other) {
      return other.identity.text == adapter.identity.text;
    });
    if (!known) kept.push_back(adapter);
  }
  return kept;
}

}  // namespace dcp::gpu
