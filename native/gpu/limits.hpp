// What one sandbox may use of the GPU. Set by the owner of the host on its command line.
#pragma once

#include <chrono>
#include <cstdint>

#include "gpu/wire.hpp"

namespace dcp::gpu {

struct Limits {
  std::uint64_t memory = UINT64_MAX;                 ///< bytes of buffers and textures
  std::uint64_t staging = kHeapSize;                 ///< bytes of mapped ranges and data on its way
  std::chrono::milliseconds submission{UINT32_MAX};  ///< longest time that a submission may take
};

}  // namespace dcp::gpu
