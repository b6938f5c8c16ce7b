// The file system that a sandbox sees: an empty, read-only root. mount(2), pivot_root(2).
#pragma once

#include "isolation/layer.hpp"

namespace dcp::isolation {

/// In the child, in its own mount namespace with CAP_SYS_ADMIN. Libraries that are mapped stay usable; none can be
/// opened afterwards.
Failure empty_root();

/// Mounts and unmounts from here on are not seen by others, nor theirs here.
Failure private_mounts();

/// After private_mounts(): an empty tmpfs takes the place of the root. `flags`: MS_*, beside those against privileges.
Failure replace_root(unsigned long flags, const char* options);

}  // namespace dcp::isolation
