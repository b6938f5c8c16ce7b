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

/// Puts every layer in force, for this process and for good. Call it with one thread, after the libraries are open that
/// an ordinary user may not read, before anything of the sandbox is.
/// A layer that the kernel refuses is in the report; policy.hpp says which may be missing.
Report seal_gpu_host(const GpuHostProfile& profile);

/// How a trial differs from a seal.
struct Trial {
  unsigned skip = kNone;        ///< layers that are left out (LayerBit)
  bool trace_refusals = false;  ///< refused system calls and files are named on stderr (refusal_trace.hpp)
};

/// For a process that never meets a sandbox: it finds out what a layer does to a driver.
Report seal_gpu_host_for_trial(const GpuHostProfile& profile, const Trial& trial);

}  // namespace dcp::isolation
