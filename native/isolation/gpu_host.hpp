// The isolation of a GPU host, in order. It seals itself: the driver then runs with what the view has.
#pragma once

#include <cstddef>

#include "isolation/file_view.hpp"
#include "isolation/layer.hpp"

namespace dcp::isolation {

struct GpuHostProfile {
  FileView view;
  int keep = 3;            ///< the one descriptor that stays open beside stderr
  std::size_t memory = 0;  ///< bytes of private memory; 0: unlimited
};

/// Threads that a GPU host may have: a software driver starts one a CPU, and wgpu-native some.
inline constexpr unsigned kMostHostThreads = 512;

/// Puts every layer in force but those in `skip` (LayerBit), for this process and for good. Call it with one thread,
/// after the libraries are open that an ordinary user may not read, before anything of the sandbox is.
/// A layer that the kernel refuses is in the report; policy.hpp says which may be missing.
Report seal_gpu_host(const GpuHostProfile& profile, unsigned skip = kNone);

}  // namespace dcp::isolation
