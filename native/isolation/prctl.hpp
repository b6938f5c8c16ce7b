// Attributes of the sandbox process itself: prctl(2), setsid(2).
#pragma once

#include "isolation/layer.hpp"

namespace dcp::isolation {

/// A session and a process group of its own, without a terminal.
Failure own_session();
Failure no_new_privs();
/// No core dump, and /proc/PID closed to other processes of the same user.
Failure not_dumpable();
/// SIGKILL when the parent dies. A change of credentials clears it: set it after them. A parent that died before is
/// noticed by the end of the channel to it.
Failure die_with_parent();

}  // namespace dcp::isolation
