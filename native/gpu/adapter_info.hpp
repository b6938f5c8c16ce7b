// What wgpu-native says of an adapter, in the words of WebGPU.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "webgpu_decoder.hpp"

namespace dcp::gpu {

struct AdapterInfo {
  std::string vendor;        ///< "nvidia", "mesa"; where unknown the PCI id in hexadecimal
  std::string architecture;  ///< empty: wgpu-native does not tell
  std::string device;
  std::string description;  ///< the driver and its version
  std::string driver;
  std::uint32_t vendor_id, device_id;  ///< as PCI has them
  WGPUBackendType backend;
  WGPUAdapterType type;
  std::uint32_t subgroup_min_size, subgroup_max_size;
  WGPULimits limits;
};

/// A name as a normalized identifier string of the specification: "llvmpipe-llvm-15-0-6". Empty where nothing is left.
std::string identifier(std::string_view text);
AdapterInfo describe(const Functions& functions, WGPUAdapter adapter);
const char* backend_name(WGPUBackendType backend);
const char* type_name(WGPUAdapterType type);

/// Instance over `backends` and its adapters, best first: discrete, integrated, unknown, CPU. Never released.
std::vector<WGPUAdapter> find_adapters(const Functions& functions, WGPUInstanceBackend backends);

}  // namespace dcp::gpu
