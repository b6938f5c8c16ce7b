// The open descriptors of a sandbox.
#pragma once

#include "isolation/layer.hpp"

namespace dcp::isolation {

/// The descriptor at which a sandbox finds the channel that it keeps.
inline constexpr int kKept = 3;

/// Puts `null_device` at 0, 1 and 2, moves `keep` to kKept and closes everything else. Libraries that print to stderr
/// then reach nobody, and no channel.
Failure close_descriptors(int null_device, int keep);

}  // namespace dcp::isolation
