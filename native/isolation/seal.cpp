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
#include "isolation/trial.hpp"

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
  prepared.quiet_session = leads_quiet_session();
  const int null_device = open("/dev/null", O_RDWR | O_CLOEXEC);
  if (null_device < 0) throw std::runtime_error(failed("open /dev/null").reason());
  // Where close_descriptors() puts nothing in its place.
  prepared.null_device = fcntl(null_device, F_DUPFD_CLOEXEC, kKept + 1);
  if (prepared.null_device < 0) throw std::runtime_error(failed("dup of the null device").reason());
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
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
    throw std::runtime_error(failed("socketpair").reason());
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
    throw std::runtime_error(failure.reason());
  }
  return {child, ends[0]};
}

Report seal_for_trial(const Prepared& prepared, int channel, const Trial& trial) {
  const NamespacePlan& namespaces = prepared.namespaces;
  Report report = namespaces.layers;
  const auto wanted = [&trial](Layer layer) { return !trial.skip.has(layer); };

  record(report, Layer::session, prepared.quiet_session ? own_process_group() : own_session());
  // First of those that open files: a parent with many sandboxes holds more descriptors than the limit of one allows.
  record(report, Layer::descriptors, close_descriptors(prepared.null_device, channel));
  record(report, Layer::out_of_memory_score, end_first_without_memory());
  record(report, Layer::unprivileged_user, become_unprivileged(namespaces));
  record(report, Layer::host_name, rename_host((namespaces.flags & CLONE_NEWUTS) != 0));
  if (wanted(Layer::rlimits)) record(report, Layer::rlimits, limit_resources(prepared.limits));
  if (wanted(Layer::threads) && prepared.limits.threads > 1) {
    record(report, Layer::threads, limit_threads(prepared.limits.threads, namespaces.user));
  }
  if (wanted(Layer::empty_root)) record(report, Layer::empty_root, mounts(prepared));
  record(report, Layer::capabilities, drop_capabilities());
  record(report, Layer::no_new_privs, no_new_privs());
  record(report, Layer::dumpable, not_dumpable());
  record(report, Layer::parent_death_signal, die_with_parent());
  if (wanted(Layer::landlock)) record(report, Layer::landlock, restrict_with_landlock());
  if (wanted(Layer::seccomp)) record(report, Layer::seccomp, install_seccomp(prepared.seccomp));
  return report;
}

Report seal(const Prepared& prepared, int channel) { return seal_for_trial(prepared, channel, {}); }

LayerSet declared_layers(const Prepared& prepared) {
  return prepared.limits.threads > 1 ? kSandboxLayers.with({Layer::threads}) : kSandboxLayers;
}

std::string refusal_ahead(const Prepared& prepared, Policy policy) {
  Report known = prepared.namespaces.layers;
  record(known, Layer::seccomp, prepared.seccomp.failure);
  return refusal_ahead(policy, declared_layers(prepared), known, prepared.root);
}

std::string refusal(const Prepared& prepared, const Report& report) {
  return refusal(prepared.policy, declared_layers(prepared), report, prepared.root);
}

}  // namespace dcp::isolation
