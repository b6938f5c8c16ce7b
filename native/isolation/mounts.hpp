// The file system that a sandbox sees: an empty, read-only root. mount(2), pivot_root(2).
#pragma once

#include "isolation/layer.hpp"

namespace dcp::isolation {

/// In the child, in its own mount namespace with CAP_SYS_ADMIN. Libraries that are mapped stay usable; none can be
/// opened afterwards.
Failure empty_root();

}  // namespace dcp::isolation
