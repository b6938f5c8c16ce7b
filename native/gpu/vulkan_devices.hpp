// What the Vulkan loader tells of its devices and wgpu-native keeps to itself: where a GPU is plugged in, and its UUID.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace dcp::gpu {

struct VulkanDevice {
  std::string name;
  std::uint32_t vendor, device;  ///< as PCI has them
  std::string driver;            ///< empty: it does not tell
  std::string pci;               ///< "0000:65:00.0"; empty: unknown, or not on a PCI bus
  std::string uuid;              ///< "6d657361-3232-2e33-2e36-000000000000"; empty: it has none
};

/// In the loader's order. Empty where there is no loader, or one of Vulkan 1.0. The instance is never released.
std::vector<VulkanDevice> vulkan_devices();

}  // namespace dcp::gpu
