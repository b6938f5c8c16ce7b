// Attributes of the sandbox process itself: prctl(2), setsid(2).
#pragma once

#include "isolation/layer.hpp"

namespace dcp::isolation {

/// A session and a process group of its own, without a terminal.
Failure own_session();
/// Whether this process leads a session that has no terminal.
bool leads_quiet_session();
/// For a fork of a process that does: a process group of its own. The session stays, because the scheduler shares the
/// CPUs out among sessions: a new one for each sandbox would get as much as all programs of the user's terminal.
Failure own_process_group();
Failure no_new_privs();
/// No core dump, and /proc/PID closed to other processes of the same user.
Failure not_dumpable();
/// SIGKILL when the parent dies. A change of credentials clears it: set it after them. A parent that died before is
/// noticed by the end of the channel to it.
Failure die_with_parent();

}  // namespace dcp::isolation
