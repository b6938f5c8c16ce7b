#include "isolation/verify_gpu_host.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include <stdexcept>
#include <string_view>

#include "isolation/rlimits.hpp"
#include "isolation/trial.hpp"
#include "isolation/verify_checks.hpp"

namespace dcp::isolation {
namespace {

Failure try_session(const GpuHostProfile&) { return getsid(0) == getpid() ? Failure{} : Failure{"shares a session"}; }

Failure try_descriptors(const GpuHostProfile& profile) {
  for (int fd = STDERR_FILENO + 1; fd < 4096; ++fd) {
    if (fd != profile.keep && fcntl(fd, F_GETFD) >= 0) return "descriptor " + std::to_string(fd) + " is open";
  }
  return {};
}

Failure try_host_name(const GpuHostProfile&) {
  utsname names{};
  return uname(&names) == 0 && std::string_view(names.nodename) == "sandbox" ? Failure{} : Failure{"it is visible"};
}

Failure try_rlimits(const GpuHostProfile&) { return try_descriptor_limit(STDERR_FILENO, kDescriptorsOfServers); }

Failure try_root(const GpuHostProfile& profile) {
  for (const char* hidden : {"/root", "/home", "/tmp", "/etc/passwd", "/proc/self", "/usr/bin"}) {
    if (access(hidden, F_OK) == 0) return std::string(hidden) + " is there";
  }
  if (Failure failure =
          expect_refusal("writing beside the scratch folder", open("/f", O_CREAT | O_WRONLY, 0600) >= 0, EROFS);
      !failure.empty()) {
    return failure;
  }
  return access(profile.view.scratch.c_str(), W_OK) == 0 ? Failure{} : failed("the scratch folder");
}

Failure try_threads(const GpuHostProfile&) {
  std::vector<pid_t> children;
  Failure failure = "more tasks than allowed can be made";
  for (unsigned i = 0; i <= kMostHostThreads; ++i) {
    const pid_t child = clone_process(0);
    if (child < 0) failure = {};
    if (child < 0) break;
    if (child == 0) {
      (void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
      for (;;) pause();
    }
    children.push_back(child);
  }
  for (const pid_t child : children) kill(child, SIGKILL);
  for (const pid_t child : children) (void)waitpid(child, nullptr, 0);
  return failure;
}

Failure try_death(const GpuHostProfile&) {
  int signal = 0;
  return prctl(PR_GET_PDEATHSIG, &signal) == 0 && signal == SIGKILL ? Failure{} : Failure{"not set"};
}

Failure try_landlock(const GpuHostProfile&) {
  if (Failure failure = expect_refusal("opening /etc/passwd", open("/etc/passwd", O_RDONLY) >= 0, EACCES);
      !failure.empty()) {
    return failure;
  }
  return open("/dev/null", O_RDWR) >= 0 ? Failure{} : failed("opening /dev/null");
}

Failure try_network(const GpuHostProfile&) {
  const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return failed("a socket for the check");
  sockaddr where{AF_INET, {0, 9, 127, 0, 0, 1}};  // its loopback is down
  return expect_refusal("reaching 127.0.0.1", connect(fd, &where, sizeof(sockaddr)) == 0, ENETUNREACH);
}

constexpr Check<GpuHostProfile> kChecks[] = {
    {Layer::session, {Layer::seccomp}, try_session, "own session, without a terminal"},
    {Layer::descriptors, {Layer::seccomp}, try_descriptors, "only stderr and the socket to the sandbox are open"},
    {Layer::host_name, {Layer::seccomp}, try_host_name, "the host's name is hidden"},
    {Layer::rlimits, {Layer::seccomp}, try_rlimits, "descriptors above the limit are refused"},
    {Layer::own_root,
     {Layer::landlock, Layer::seccomp},
     try_root,
     "only what drivers need is there; writing is refused"},
    {Layer::threads, {Layer::seccomp}, try_threads, "tasks above the limit are refused"},
    {Layer::parent_death_signal, {Layer::seccomp}, try_death, "set"},
    {Layer::landlock,
     {Layer::empty_root, Layer::own_root, Layer::seccomp},
     try_landlock,
     "opening /etc/passwd is refused"},
    {Layer::network_namespace,
     {Layer::landlock, Layer::seccomp},
     try_network,
     "its own loopback is all there is, and it is down"},
};

/// fork(), with a socket between the two at the descriptor that the profile keeps.
Forked fork_with_channel(GpuHostProfile& profile) {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
    throw std::runtime_error(failed("socketpair").reason());
  const pid_t child = fork();
  if (child < 0) throw std::runtime_error(failed("fork").reason());
  close(ends[child == 0 ? 0 : 1]);
  profile.keep = ends[1];
  return {child, ends[child == 0 ? 1 : 0]};
}

Ended in_host(GpuHostProfile profile, const std::function<std::string(const Report&)>& body) {
  const Forked forked = fork_with_channel(profile);
  return run_in(forked, [&](int&) { return body(seal_gpu_host(profile)); });
}

/// Layers that have no check of their own are believed: the kernel said that it made the namespace.
void verify(const GpuHostProfile& profile, LayerState& state) {
  if (state.layer == Layer::seccomp) {
    const Ended ended = in_host(profile, [](const Report&) { return try_seccomp().reason(); });
    const bool killed = was_killed_by_filter(ended);
    state = {state.layer, killed, killed ? kSeccompTried : outcome(ended).reason()};
    return;
  }
  const Check<GpuHostProfile>* check = find_check(kChecks, state.layer);
  if (check == nullptr) {
    if (state.reason.empty()) state.reason = "unshare made it";
    return;
  }
  GpuHostProfile tried = profile;
  const Forked forked = fork_with_channel(tried);
  const Failure failure = outcome(run_in(forked, [&](int&) {
    (void)seal_gpu_host_for_trial(tried, {.skip = check->skip});
    return check->attempt(tried).reason();
  }));
  state = {state.layer, failure.empty(), failure.empty() ? check->tried : failure.reason()};
}

}  // namespace

Report verify_gpu_host(GpuHostProfile profile) {
  Report report = decode(in_host(profile, [](const Report& sealed) { return encode(sealed); }));
  for (LayerState& state : report) {
    if (state.in_force) verify(profile, state);
  }
  return report;
}

}  // namespace dcp::isolation
