#include "gpu/adapter_choice.hpp"

#include <algorithm>

#include "gpu/adapter_info.hpp"

namespace dcp::gpu {

namespace {

const FoundAdapter* find(const std::vector<FoundAdapter>& adapters, const std::string& identity) {
  const auto found = std::find_if(adapters.begin(), adapters.end(),
                                  [&](const FoundAdapter& adapter) { return adapter.identity.text == identity; });
  return found == adapters.end() ? nullptr : &*found;
}

}  // namespace

std::vector<FoundAdapter> choose_adapters(const Functions& functions, const std::vector<FoundAdapter>& adapters,
                                          const AdapterChoice& choice) {
  std::vector<FoundAdapter> chosen;
  if (choice.all) {
    chosen = distinct(adapters);
  } else {
    for (const std::string& identity : choice.visible) {
      if (const FoundAdapter* adapter = find(adapters, identity)) chosen.push_back(*adapter);
    }
  }
  std::erase_if(chosen, [&](const FoundAdapter& adapter) {
    return std::find(choice.resting.begin(), choice.resting.end(), adapter.identity.text) != choice.resting.end();
  });
  const auto type_of = [&functions](const FoundAdapter& adapter) { return describe(functions, adapter.handle).type; };
  for (auto first = chosen.begin(); first != chosen.end();) {
    const WGPUAdapterType type = type_of(*first);
    const auto last =
        std::find_if(first, chosen.end(), [&](const FoundAdapter& adapter) { return type_of(adapter) != type; });
    std::rotate(first, first + static_cast<std::ptrdiff_t>(choice.turn % static_cast<std::size_t>(last - first)), last);
    first = last;
  }
  return chosen;
}

std::vector<std::string> missing(const std::vector<FoundAdapter>& adapters, const AdapterChoice& choice) {
  std::vector<std::string> gone;
  for (const std::string& identity : choice.visible) {
    if (find(adapters, identity) == nullptr) gone.push_back(identity);
  }
  return gone;
}

WGPUAdapter answer_request(const Functions& functions, const std::vector<WGPUAdapter>& adapters,
                           WGPUPowerPreference power, bool fallback) {
  WGPUAdapter chosen = nullptr;
  for (const WGPUAdapter adapter : adapters) {
    const WGPUAdapterType type = describe(functions, adapter).type;
    if (fallback && type != WGPUAdapterType_CPU) continue;
    if (chosen == nullptr) chosen = adapter;
    if (power == WGPUPowerPreference_LowPower && type == WGPUAdapterType_IntegratedGPU) return adapter;
    if (power == WGPUPowerPreference_HighPerformance && type == WGPUAdapterType_DiscreteGPU) return adapter;
  }
  return chosen;
}

}  // namespace dcp::gpu
