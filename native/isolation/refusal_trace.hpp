// Which system calls and files a driver is refused, for the owner of a machine: SIGSYS in place of an error or an end.
#pragma once

#include "isolation/seccomp.hpp"

namespace dcp::isolation {

/// The same filter, but each call that it refuses, or would end the process for, is named on stderr and fails: a line
/// `refused: NAME (ERROR)`, once for each name, and `refused: ioctl NUMBER (ERROR)`. Files that cannot be opened or
/// looked at get a line `file: PATH (NAME: ERROR)`. Makes the handler of SIGSYS of this process. Not for a process that
/// runs untrusted code.
SeccompProgram trace_refusals(SeccompProgram program);

}  // namespace dcp::isolation
