#include "gpu/adapter_choice.hpp"

#include <algorithm>

#include "gpu/adapter_info.hpp"

namespace dcp::gpu {

std::vector<WGPUAdapter> choose_adapters(const Functions& functions, const std::vector<WGPUAdapter>& adapters,
                                         const AdapterChoice& choice) {
  std::vector<WGPUAdapter> chosen;
  if (choice.all) {
    chosen = adapters;
  } else {
    for (const std::size_t index : choice.visible) {
      if (index < adapters.size()) chosen.push_back(adapters[index]);
    }
  }
  for (auto first = chosen.begin(); first != chosen.end();) {
    const WGPUAdapterType type = describe(functions, *first).type;
    const auto last = std::find_if(first, chosen.end(),
                                   [&](WGPUAdapter adapter) { return describe(functions, adapter).type != type; });
    std::rotate(first, first + static_cast<std::ptrdiff_t>(choice.turn % static_cast<std::size_t>(last - first)), last);
    first = last;
  }
  return chosen;
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
