#include "isolation/gpu_host.hpp"

#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>

#include "isolation/capabilities.hpp"
#include "isolation/landlock.hpp"
#include "isolation/namespaces.hpp"
#include "isolation/prctl.hpp"
#include "isolation/refusal_trace.hpp"
#include "isolation/rlimits.hpp"
#include "isolation/seccomp_driver.hpp"
#include "isolation/trial.hpp"

namespace dcp::isolation {
namespace {

/// Bytes that a driver may lock into memory: the kernel's default for every process, since Linux 5.16.
constexpr std::size_t kMostLocked = std::size_t{8} << 20;

/// Stdin and stdout lead nowhere; stderr is where the host says why it ends.
Failure close_other_descriptors(int keep) {
  const int null_device = open("/dev/null", O_RDWR | O_CLOEXEC);
  if (null_device < 0) return failed("open /dev/null");
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO}) {
    if (dup2(null_device, fd) < 0) return failed("dup2 of the null device");
  }
  close(null_device);
  if (keep > STDERR_FILENO + 1)
    (void)syscall(__NR_close_range, STDERR_FILENO + 1u, static_cast<unsigned>(keep) - 1, 0u);
  const long result = syscall(__NR_close_range, static_cast<unsigned>(keep) + 1, ~0u, 0u);
  return result == 0 ? Failure{} : failed("close_range");
}

/// The groups that device nodes belong to, such as "render": root keeps these when it becomes an ordinary user.
std::vector<gid_t> groups_of(const std::vector<std::string>& devices) {
  std::vector<gid_t> groups;
  for (const std::string& path : devices) {
    struct stat status{};
    if (stat(path.c_str(), &status) == 0 && S_ISCHR(status.st_mode) && status.st_gid != 0) {
      if (std::find(groups.begin(), groups.end(), status.st_gid) == groups.end()) groups.push_back(status.st_gid);
    }
  }
  return groups;
}

/// Root becomes nobody, in the groups of the devices; everybody else stays who they are.
Failure leave_root(const std::vector<std::string>& devices) {
  if (geteuid() != 0) return {};
  const std::vector<gid_t> groups = groups_of(devices);
  if (setgroups(groups.size(), groups.data()) != 0) return failed("setgroups");
  if (setresgid(kNobody, kNobody, kNobody) != 0) return failed("setresgid");
  if (setresuid(kNobody, kNobody, kNobody) != 0) return failed("setresuid");
  // The change has taken the right to this process's own entries of /proc, where its ids are mapped.
  (void)prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
  return {};
}

Failure make_view(const FileView& view, bool own_namespace) {
  return own_namespace ? enter_view(view) : "no own mount namespace";
}

/// What Landlock allows. With a root of its own, "/" lists the view and nothing else; NVIDIA's library opens it.
Failure restrict_files(FileView view, bool own_root) {
  if (own_root) view.listed.push_back("/");
  return restrict_with_landlock(view);
}

Failure limit_memory(std::size_t memory) {
  if (memory == 0) return {};
  const rlimit limit{memory, memory};
  return setrlimit(RLIMIT_DATA, &limit) == 0 ? Failure{} : failed("setrlimit DATA");
}

Failure limit(const GpuHostProfile& profile) {
  Limits limits;
  limits.threads = kMostHostThreads;
  limits.descriptors = kDescriptorsOfServers;
  limits.locked = kMostLocked;
  Failure failure = limit_resources(limits);
  return failure.empty() ? limit_memory(profile.memory) : failure;
}

Failure install_filter(bool traced) {
  SeccompProgram program = compile_driver_seccomp();
  return install_seccomp(traced ? trace_refusals(program) : program);
}

}  // namespace

Report seal_gpu_host_for_trial(const GpuHostProfile& profile, const Trial& trial) {
  Report report;
  const auto wanted = [&trial](Layer layer) { return !trial.skip.has(layer); };
  // A privileged process makes its namespaces as itself, where others need a user namespace for the others.
  const bool privileged = may_administer();

  record(report, Layer::session, own_session());
  record(report, Layer::descriptors, close_other_descriptors(profile.keep));
  record(report, Layer::out_of_memory_score, end_first_without_memory());
  Failure user, unprivileged;
  if (!privileged) {
    unprivileged = leave_root(profile.view.devices);
    user = enter_user_namespace();
  }
  const Report others = enter_other_namespaces();
  report.insert(report.end(), others.begin(), others.end());
  record(report, Layer::host_name, rename_host(is_in_force(others, Layer::uts_namespace)));
  if (wanted(Layer::rlimits)) record(report, Layer::rlimits, limit(profile));
  if (wanted(Layer::own_root))
    record(report, Layer::own_root, make_view(profile.view, is_in_force(others, Layer::mount_namespace)));
  if (privileged) {
    unprivileged = leave_root(profile.view.devices);
    user = enter_user_namespace();
  }
  record(report, Layer::unprivileged_user, unprivileged);
  record(report, Layer::user_namespace, user);
  if (wanted(Layer::threads)) record(report, Layer::threads, limit_threads(kMostHostThreads, user.empty()));
  record(report, Layer::capabilities, drop_capabilities());
  record(report, Layer::no_new_privs, no_new_privs());
  record(report, Layer::dumpable, not_dumpable());
  record(report, Layer::parent_death_signal, die_with_parent());
  if (wanted(Layer::landlock)) {
    record(report, Layer::landlock, restrict_files(profile.view, is_in_force(report, Layer::own_root)));
  }
  if (wanted(Layer::seccomp)) record(report, Layer::seccomp, install_filter(trial.trace_refusals));
  return report;
}

Report seal_gpu_host(const GpuHostProfile& profile) { return seal_gpu_host_for_trial(profile, {}); }

}  // namespace dcp::isolation
