// The system calls of a GPU host: what drivers use is allowed, what exploits use ends the process, and what is known
// to be neither fails with ENOSYS, since drivers that were not traced here may try more. seccomp(2).
#pragma once

#include "isolation/seccomp.hpp"

namespace dcp::isolation {

/// For this process alone: it may send signals to itself and to no other. Takes about a millisecond.
SeccompProgram compile_driver_seccomp();

}  // namespace dcp::isolation
