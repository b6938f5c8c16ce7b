// The isolation of a sandbox, in order. The zygote prepares once and forks; the child seals itself.
#pragma once

#include <sys/types.h>

#include <utility>

#include "isolation/layer.hpp"
#include "isolation/namespaces.hpp"
#include "isolation/policy.hpp"
#include "isolation/rlimits.hpp"
#include "isolation/seccomp.hpp"

namespace dcp::isolation {

/// What is found out and made once, ahead of the forks.
struct Prepared {
  NamespacePlan namespaces;
  SeccompProgram seccomp;
  Limits limits;
  int null_device = -1;
  Policy policy = Policy::standard;
  bool root = false;  ///< of the user that started the program
};

/// Throws std::runtime_error without a null device. Call while the process is small and has one thread.
Prepared prepare(const Limits& limits, Policy policy = Policy::standard);

/// Overwrites the environment, which /proc/PID/environ and every later fork show. The time zone is read first.
void erase_environment();

struct Forked {
  pid_t process;  ///< 0 in the child
  int channel;    ///< this side's end of a seqpacket socket between the two
};

/// Forks into the planned namespaces with the child's ids mapped. Throws std::runtime_error in the parent.
Forked fork_isolated(const Prepared& prepared);

/// In the child: puts every layer in force but those in `skip` (LayerBit). Afterwards `channel` is descriptor kKept.
/// A layer that the kernel refuses is in the report; refusal() names one that must not be missing.
Report seal(const Prepared& prepared, int channel, unsigned skip = kNone);

/// The layers whose fate is known before the first fork.
Report known_ahead(const Prepared& prepared);

/// Why a process with this report must not run untrusted code; empty: it may.
std::string refusal(const Prepared& prepared, const Report& report);

}  // namespace dcp::isolation
