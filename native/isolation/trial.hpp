// Sealing with layers left out: for processes that find out what a layer does, and never meet untrusted code.
#pragma once

#include "isolation/gpu_host.hpp"
#include "isolation/seal.hpp"

namespace dcp::isolation {

/// How a trial differs from a seal.
struct Trial {
  LayerSet skip;                ///< layers that are left out
  bool trace_refusals = false;  ///< of a GPU host: refused system calls and files are named (refusal_trace.hpp)

  bool differs() const { return trace_refusals || !skip.empty(); }
};

/// As seal(), but for the trial.
[[nodiscard]] Report seal_for_trial(const Prepared& prepared, int channel, const Trial& trial);

/// As seal_gpu_host(), but for the trial.
[[nodiscard]] Report seal_gpu_host_for_trial(const GpuHostProfile& profile, const Trial& trial);

}  // namespace dcp::isolation
