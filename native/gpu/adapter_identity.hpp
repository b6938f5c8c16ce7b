// What an adapter is known by: its place in a list is another's after one has come or gone.
#pragma once

#include <string>
#include <vector>

#include "gpu/vulkan_devices.hpp"
#include "webgpu_decoder.hpp"

namespace dcp::gpu {

struct Identity {
  std::string text;  ///< the PCI address, else the UUID, else "VENDOR:DEVICE#N"; the same for one GPU of two drivers
  std::string pci, uuid;  ///< empty: unknown
};

struct FoundAdapter {
  WGPUAdapter handle;
  Identity identity;
};

/// Gives `adapters`, as find_adapters() has them, their identities. They are looked up among `devices` by what both
/// tell; those that tell the same are taken in the order of the loader, which both keep.
std::vector<FoundAdapter> identify(const Functions& functions, const std::vector<WGPUAdapter>& adapters,
                                   const std::vector<VulkanDevice>& devices);

/// Without those that are an earlier one's GPU through another driver.
std::vector<FoundAdapter> distinct(const std::vector<FoundAdapter>& adapters);

}  // namespace dcp::gpu
