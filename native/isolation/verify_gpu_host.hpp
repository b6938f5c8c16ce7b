// Which layers of a GPU host are in force on this machine, found by trying what each must refuse.
#pragma once

#include "isolation/gpu_host.hpp"

namespace dcp::isolation {

/// As verify() for a sandbox. `profile.keep` is ignored.
Report verify_gpu_host(GpuHostProfile profile);

}  // namespace dcp::isolation
