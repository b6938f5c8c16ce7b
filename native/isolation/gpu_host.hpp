// The isolation of a GPU host, in order. It seals itself: the driver then runs with what the view has.
#pragma once

#include <cstddef>

#include "isolation/file_view.hpp"
#include "isolation/layer.hpp"

namespace dcp::isolation {

struct GpuHostProfile {
  FileView view;
  int keep = 3;            ///< the one descriptor that stays open beside stderr
  std::size_t memory = 0;  ///< bytes of private memory; 0: unlimited
};

/// Threads that a GPU host may have: a software driver starts one per CPU, and wgpu-native some.
inline constexpr unsigned kMostHostThreads = 512;

/// Its layers: it seals itself, so it has no pid namespace, which only children enter.
inline constexpr LayerSet kGpuHostLayers = {Layer::user_namespace,
                                            Layer::network_namespace,
                                            Layer::mount_namespace,
                                            Layer::ipc_namespace,
                                            Layer::uts_namespace,
                                            Layer::cgroup_namespace,
                                            Layer::session,
                                            Layer::descriptors,
                                            Layer::rlimits,
                                            Layer::own_root,
                                            Layer::out_of_memory_score,
                                            Layer::unprivileged_user,
                                            Layer::host_name,
                                            Layer::threads,
                                            Layer::capabilities,
                                            Layer::no_new_privs,
                                            Layer::dumpable,
                                            Layer::landlock,
                                            Layer::seccomp,
                                            Layer::parent_death_signal};

/// Puts every layer in force, for this process and for good. Call it with one thread, after the libraries are open that
/// an ordinary user may not read, before anything of the sandbox is.
/// A layer that the kernel refuses is in the report; policy.hpp says which may be missing.
[[nodiscard]] Report seal_gpu_host(const GpuHostProfile& profile);

}  // namespace dcp::isolation
