// Which of the machine's adapters a sandbox gets, and in which order.
#pragma once

#include <cstddef>
#include <vector>

#include "webgpu_decoder.hpp"

namespace dcp::gpu {

struct AdapterChoice {
  bool all = true;
  std::vector<std::size_t> visible;  ///< where not all: indices, the preferred one first; others are not there
  std::size_t turn = 0;              ///< counts hosts: those of the same kind take turns in being first
};

/// `adapters` as find_adapters() gives them. An index beyond them counts for nothing.
std::vector<WGPUAdapter> choose_adapters(const Functions& functions, const std::vector<WGPUAdapter>& adapters,
                                         const AdapterChoice& choice);

/// What requestAdapter() gives of `adapters`: the first integrated one for low power, the first discrete one for high
/// performance, a software one where a fallback is wanted. Else the first one; null: none fits.
WGPUAdapter answer_request(const Functions& functions, const std::vector<WGPUAdapter>& adapters,
                           WGPUPowerPreference power, bool fallback);

}  // namespace dcp::gpu
