#include "isolation/seal.hpp"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <stdexcept>

#include "isolation/capabilities.hpp"
#include "isolation/descriptors.hpp"
#include "isolation/landlock.hpp"
#include "isolation/mounts.hpp"
#include "isolation/prctl.hpp"

namespace dcp::isolation {
namespace {

Failure mounts(const Prepared& prepared) {
  return (prepared.namespaces.flags & CLONE_NEWNS) != 0 ? empty_root() : Failure{"no own mount namespace"};
}

void give_up_child(pid_t child) {
  kill(child, SIGKILL);
  while (waitpid(child, nullptr, 0) < 0 && errno == EINTR) continue;
}

}  // namespace

Prepared prepare(const Limits& limits, Policy policy) {
  Prepared prepared;
  prepared.limits = limits;
  prepared.policy = policy;
  prepared.root = geteuid() == 0;
  const int null_device = open("/dev/null", O_RDWR | O_CLOEXEC);
  if (null_device < 0) throw std::runtime_error(failed("open /dev/null"));
  // Where close_descriptors() puts nothing in its place.
  prepared.null_device = fcntl(null_device, F_DUPFD_CLOEXEC, kKept + 1);
  if (prepared.null_device < 0) throw std::runtime_error(failed("dup of the null device"));
  close(null_device);
  prepared.namespaces = plan_namespaces();
  prepared.seccomp = compile_seccomp(limits.threads > 1, limits.code);
  return prepared;
}

void erase_environment() {
  tzset();
  for (char** variable = environ; variable != nullptr && *variable != nullptr; ++variable) {
    explicit_bzero(*variable, std::strlen(*variable));
  }
  clearenv();
}

Forked fork_isolated(const Prepared& prepared) {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) throw std::runtime_error(failed("socketpair"));
  const pid_t child = clone_process(prepared.namespaces.flags);
  const int error = errno;
  close(ends[child == 0 ? 0 : 1]);
  if (child == 0) {
    // The maps come first; a parent that is gone shows as the end of the channel.
    char go = 0;
    if (recv(ends[1], &go, 1, 0) != 1) _exit(1);
    return {0, ends[1]};
  }
  Failure failure = child < 0 ? failed("clone", error) : write_id_maps(child, prepared.namespaces);
  if (failure.empty() && send(ends[0], "g", 1, MSG_NOSIGNAL) != 1) failure = failed("send to the child");
  if (!failure.empty()) {
    if (child > 0) give_up_child(child);
    close(ends[0]);
    throw std::runtime_error(failure);
  }
  return {child, ends[0]};
}

Report seal(const Prepared& prepared, int channel, unsigned skip) {
  const NamespacePlan& namespaces = prepared.namespaces;
  Report report = namespaces.layers;
  const auto wanted = [skip](LayerBit bit) { return (skip & bit) == 0; };

  record(report, "session", own_session());
  // First of those that open files: a parent with many sandboxes holds more descriptors than the limit of one allows.
  record(report, "descriptors", close_descriptors(prepared.null_device, channel));
  record(report, "out-of-memory score", end_first_without_memory());
  record(report, "unprivileged user", become_unprivileged(namespaces));
  record(report, "host name", rename_host((namespaces.flags & CLONE_NEWUTS) != 0));
  if (wanted(kRlimits)) record(report, "rlimits", limit_resources(prepared.limits));
  if (wanted(kRlimits) && prepared.limits.threads > 1) {
    record(report, "threads", limit_threads(prepared.limits.threads, namespaces.user));
  }
  if (wanted(kMounts)) record(report, "empty root", mounts(prepared));
  record(report, "capabilities", drop_capabilities());
  record(report, "no_new_privs", no_new_privs());
  record(report, "dumpable", not_dumpable());
  record(report, "parent-death signal", die_with_parent());
  if (wanted(kLandlock)) record(report, "landlock", restrict_with_landlock());
  if (wanted(kSeccomp)) record(report, "seccomp", install_seccomp(prepared.seccomp));
  return report;
}

Report known_ahead(const Prepared& prepared) {
  Report report = prepared.namespaces.layers;
  record(report, "seccomp", prepared.seccomp.failure);
  return report;
}

std::string refusal(const Prepared& prepared, const Report& report) {
  return refusal(prepared.policy, report, prepared.root);
}

}  // namespace dcp::isolation
