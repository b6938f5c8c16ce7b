// Which of the machine's adapters a sandbox gets, and in which order.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "gpu/adapter_identity.hpp"
#include "webgpu_decoder.hpp"

namespace dcp::gpu {

struct AdapterChoice {
  bool all = true;
  std::vector<std::string> visible;  ///< where not all: identities, the preferred one first; others are not there
  std::vector<std::string> resting;  ///< identities of those that are not offered for now
  std::size_t turn = 0;              ///< counts hosts: those of the same kind take turns in being first
};

/// `adapters` in the order of find_adapters(). Of those that are one GPU the first is taken.
std::vector<FoundAdapter> choose_adapters(const Functions& functions, const std::vector<FoundAdapter>& adapters,
                                          const AdapterChoice& choice);

/// What `choice` names and is not among `adapters`.
std::vector<std::string> missing(const std::vector<FoundAdapter>& adapters, const AdapterChoice& choice);

/// What requestAdapter() gives of `adapters`: the first integrated one for low power, the first discrete one for high
/// performance, a software one where a fallback is wanted. Else the first one; null: none fits.
WGPUAdapter answer_request(const Functions& functions, const std::vector<WGPUAdapter>& adapters,
                           WGPUPowerPreference power, bool fallback);

}  // namespace dcp::gpu
