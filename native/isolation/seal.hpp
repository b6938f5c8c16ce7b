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
  bool root = false;           ///< of the user that started the program
  bool quiet_session = false;  ///< of the program, without a terminal: its forks stay in it
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

/// The layers of a sandbox, and of a process that compiles: that one may have threads, which are counted.
inline constexpr LayerSet kSandboxLayers = {
    Layer::user_namespace,    Layer::pid_namespace, Layer::network_namespace, Layer::mount_namespace,
    Layer::ipc_namespace,     Layer::uts_namespace, Layer::cgroup_namespace,  Layer::session,
    Layer::descriptors,       Layer::rlimits,       Layer::empty_root,        Layer::out_of_memory_score,
    Layer::unprivileged_user, Layer::host_name,     Layer::capabilities,      Layer::no_new_privs,
    Layer::dumpable,          Layer::landlock,      Layer::seccomp,           Layer::parent_death_signal};
LayerSet declared_layers(const Prepared& prepared);

/// In the child: puts every layer in force. Afterwards `channel` is descriptor kKept.
/// A layer that the kernel refuses is in the report; refusal() names one that must not be missing.
[[nodiscard]] Report seal(const Prepared& prepared, int channel);

/// Before the first fork: why no process could run untrusted code under `policy`; empty: nothing is known against it.
[[nodiscard]] std::string refusal_ahead(const Prepared& prepared, Policy policy);

/// Why a process with this report must not run untrusted code; empty: it may.
[[nodiscard]] std::string refusal(const Prepared& prepared, const Report& report);

}  // namespace dcp::isolation
