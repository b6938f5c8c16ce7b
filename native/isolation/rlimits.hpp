// Resource limits of a sandbox: getrlimit(2).
#pragma once

#include <cstddef>

#include "isolation/layer.hpp"
#include "isolation/seccomp.hpp"

namespace dcp::isolation {

/// Descriptors that a sandbox may have open. The supervisor sends 95 ahead at most (sandboxes/sandbox.py), a result has
/// 64, 3 lead nowhere, and channels, the evaluator, a GPU host, the compiler and modules have 10. The kernel passes no
/// more when as many are on their way, of all processes of the user: so the sandboxes' limit is below that of the
/// processes that serve them, and theirs, with a message of 253, below the 1024 that a user's programs have.
inline constexpr unsigned kDescriptors = 192;
inline constexpr unsigned kDescriptorsOfServers = 512;

struct Limits {
  std::size_t memory = 0;               ///< bytes that the sandbox may add to the zygote's private memory; 0: unlimited
  std::size_t file = 0;                 ///< bytes of a file, also of one in memory; 0: as `memory`
  std::size_t stack = 0;                ///< bytes of the main thread's stack; 0: as inherited
  unsigned descriptors = kDescriptors;  ///< that may be open at a time
  std::size_t locked = 0;               ///< bytes that may be locked into memory
  unsigned cpu_seconds = 0;             ///< CPU time of all threads together, then SIGKILL; 0: unlimited
  unsigned threads = 1;                 ///< that it may have at a time, where the kernel counts them for it alone
  CodePages code = CodePages::fixed;
};

/// Threads that a process in a user namespace of its own may have. The kernel counts them for each such namespace since
/// Linux 5.14; before that, and without one, the count would be that of all processes of the user.
Failure limit_threads(unsigned most, bool own_user_namespace);

/// Where the machine runs out of memory, the kernel ends this process before others: oom_score_adj of proc(5). Reads
/// /proc as its owner, so it comes before the change of user.
Failure end_first_without_memory();

/// Raises the soft limit of a process that serves sandboxes to the hard one.
void allow_all_descriptors();

/// Soft and hard limits. Reads /proc, so it comes before the root is emptied.
Failure limit_resources(const Limits& limits);

}  // namespace dcp::isolation
