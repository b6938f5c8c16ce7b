// The system calls of a sandbox: an allow-list; what is not on it kills the process. seccomp(2).
#pragma once

#include <linux/filter.h>

#include <vector>

#include "isolation/layer.hpp"

namespace dcp::isolation {

/// What may become code: nothing; pages that are not written any more; pages that are written while they are code, as a
/// JIT does.
enum class CodePages { none, fixed, patched };

/// A compiled filter. Compiling takes about a millisecond, so the zygote does it once.
struct SeccompProgram {
  std::vector<sock_filter> instructions;
  Failure failure;  ///< why there is none
};

/// `threads`: the process may have more than one thread.
SeccompProgram compile_seccomp(bool threads = false, CodePages code = CodePages::fixed);

/// Puts the filter in force for this process, for good. Needs no_new_privs.
Failure install_seccomp(const SeccompProgram& program);

}  // namespace dcp::isolation
