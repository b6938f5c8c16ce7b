// What one sandbox may use of the GPU, and how it is measured. Set by the owner of the host on its command line.
#pragma once

#include <chrono>
#include <cstdint>

#include "gpu/wire.hpp"

namespace dcp::gpu {

/// Where GPU time is taken by timestamps; elsewhere from submission to completion. A software adapter has no clock of
/// its own, and two timestamps cost it more than many a submission.
enum class Timestamps { never, hardware, always };

struct Limits {
  std::uint64_t memory = UINT64_MAX;           ///< bytes of buffers and textures
  std::uint64_t software_memory = UINT64_MAX;  ///< of those on adapters that are software: the machine's memory
  std::uint64_t staging = kHeapSize;           ///< bytes of mapped ranges and data on its way
  Timestamps timestamps = Timestamps::hardware;
  std::chrono::milliseconds timeout{UINT32_MAX};  ///< longest time that a submission may take
};

}  // namespace dcp::gpu
