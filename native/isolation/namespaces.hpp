// Namespaces of a sandbox: clone(2), namespaces(7), user_namespaces(7).
#pragma once

#include <sys/types.h>

#include "isolation/layer.hpp"

namespace dcp::isolation {

/// The id that a sandbox has inside, and outside too where the zygote is root: the kernel's overflow id, "nobody".
inline constexpr unsigned kNobody = 65534;

/// What the kernel gives this process; found out once, by trying.
struct NamespacePlan {
  int flags = 0;             ///< CLONE_NEW*
  bool user = false;         ///< a user namespace is among them
  unsigned outside_uid = 0;  ///< what kNobody of the user namespace is outside
  unsigned outside_gid = 0;
  Report layers;  ///< one a namespace
};

/// Tries each namespace with a short-lived child. Call before the process is large: a fork copies page tables.
NamespacePlan plan_namespaces();

/// fork() into new namespaces: 0 in the child, its process id in the parent, -1 with errno.
/// The caller has one thread; the C library's atfork handlers are not run.
pid_t clone_process(int flags);

/// In the parent: writes the id maps of `child`. Nothing to do without a user namespace.
Failure write_id_maps(pid_t child, const NamespacePlan& plan);

/// In the child, after its maps are written: takes the unprivileged ids and leaves all supplementary groups.
Failure become_unprivileged(const NamespacePlan& plan);

/// In the child: hides the host's name, where it has a UTS namespace of its own.
Failure rename_host(bool own_namespace);

/// For this process, which has one thread: a user namespace where it is kNobody. Where the root is left already no ids
/// are mapped, and it is kNobody for that.
Failure enter_user_namespace();

/// For this process: all others but a pid namespace, which only children enter. One entry each.
Report enter_other_namespaces();

}  // namespace dcp::isolation
