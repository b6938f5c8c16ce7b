#include "isolation/verify.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>
#include <stdexcept>

#include "isolation/descriptors.hpp"
#include "isolation/trial.hpp"
#include "isolation/verify_checks.hpp"

namespace dcp::isolation {
namespace {

std::string namespace_of_this_process(const char* kind) {
  char target[64];
  const ssize_t size = readlink((std::string("/proc/self/ns/") + kind).c_str(), target, sizeof target);
  return size > 0 ? std::string(target, static_cast<std::size_t>(size)) : std::string();
}

Failure try_session(const Prepared& prepared) {
  if (getpgrp() != getpid()) return "shares a process group";
  if (getsid(0) != getpid() && !prepared.quiet_session) return "shares a session that may have a terminal";
  return {};
}

Failure try_host_name(const Prepared&) {
  utsname names{};
  if (uname(&names) != 0 || std::strcmp(names.nodename, "sandbox") != 0) return "the host's name is visible";
  return expect_refusal("sethostname", sethostname("x", 1) == 0, EPERM);
}

Failure try_rlimits(const Prepared& prepared) {
  Failure failure = try_descriptor_limit(0, prepared.limits.descriptors);
  if (!failure.empty() || prepared.limits.memory == 0) return failure;
  const std::size_t size = prepared.limits.memory + (std::size_t{128} << 20);
  const void* memory = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  return expect_refusal("mmap above the memory limit", memory != MAP_FAILED, ENOMEM);
}

Failure try_root(const Prepared&) {
  DIR* root = opendir("/");
  if (root == nullptr) return failed("opendir /");
  int entries = 0;
  while (readdir(root) != nullptr) ++entries;
  closedir(root);
  if (entries != 2) return "the root is not empty";
  return expect_refusal("creating a file", open("/file", O_WRONLY | O_CREAT, 0600) >= 0, EROFS);
}

Failure try_descriptors(const Prepared&) {
  for (int fd = 0; fd < 4096; ++fd) {
    if ((fcntl(fd, F_GETFD) >= 0) != (fd <= kKept)) return "descriptor " + std::to_string(fd) + " is not as expected";
  }
  return {};
}

// The limit on processes (not for the root of the machine) or seccomp.
Failure try_processes(const Prepared&) {
  const pid_t child = clone_process(0);
  if (child == 0) _exit(0);
  return child < 0 ? Failure{} : Failure{"fork succeeded"};
}

Failure try_environment(const Prepared&) {
  return environ == nullptr || *environ == nullptr ? Failure{} : Failure{"variables are left"};
}

Failure try_landlock(const Prepared&) {
  return expect_refusal("opening /", open("/", O_RDONLY | O_DIRECTORY) >= 0, EACCES);
}

constexpr Check<Prepared> kChecks[] = {
    {Layer::session, {Layer::seccomp}, try_session, "no terminal, own process group"},
    {Layer::host_name, {Layer::seccomp}, try_host_name, "the host's name is hidden and cannot be set"},
    {Layer::rlimits, {Layer::seccomp}, try_rlimits, "descriptors and memory above the limits are refused"},
    {Layer::empty_root, {Layer::landlock, Layer::seccomp}, try_root, "the root has no entry and takes none"},
    {Layer::descriptors, {Layer::seccomp}, try_descriptors, "only the channel is open"},
    {Layer::processes, {}, try_processes, "fork is refused"},
    {Layer::environment, {Layer::seccomp}, try_environment, "no variable"},
    {Layer::landlock,
     {Layer::empty_root, Layer::own_root, Layer::seccomp},
     try_landlock,
     "opening the root directory is refused"},
};

bool maps(int flags) { return mmap(nullptr, 4096, PROT_READ | PROT_WRITE, flags | MAP_ANONYMOUS, -1, 0) != MAP_FAILED; }

bool mapped_twice() {
  const int fd = memfd_create("check", MFD_CLOEXEC);
  if (fd < 0 || ftruncate(fd, 4096) != 0) return true;
  void* page = mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  return page == MAP_FAILED || mremap(page, 0, 4096, MREMAP_MAYMOVE) != MAP_FAILED;
}

bool merges() {
  void* page = mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return page == MAP_FAILED || madvise(page, 4096, MADV_MERGEABLE) == 0;
}

bool sets_option() {
  const int size = 1 << 20;
  return setsockopt(kKept, SOL_SOCKET, SO_SNDBUF, &size, sizeof size) == 0;
}

constexpr RefusedAttempt kRefusedAttempts[] = {
    {"mapping shared memory without a file", [] { return maps(MAP_SHARED); }},
    {"mapping a stack that grows", [] { return maps(MAP_PRIVATE | MAP_GROWSDOWN); }},
    {"mapping huge pages", [] { return maps(MAP_PRIVATE | MAP_HUGETLB); }},
    {"a memfd of huge pages", [] { return memfd_create("check", MFD_HUGETLB) >= 0; }},
    {"mapping memory twice with mremap", mapped_twice},
    {"merging pages with other processes'", merges},
    {"setting an option of a socket", sets_option},
    {"making an epoll", [] { return epoll_create1(0) >= 0; }},
};

Ended in_child(const Prepared& prepared, const std::function<std::string(int& channel)>& body) {
  return run_in(fork_isolated(prepared), body);
}

Report seal_and_move(const Prepared& prepared, int& channel, LayerSet skip = {}) {
  Report report = seal_for_trial(prepared, channel, {.skip = skip});
  channel = kKept;
  return report;
}

/// What seal() says of itself, in a child that is sealed in full.
Report sealed_report(const Prepared& prepared) {
  const Ended ended = in_child(prepared, [&](int& channel) { return encode(seal_and_move(prepared, channel)); });
  return decode(ended);
}

Failure check_namespace(const Prepared& prepared, const char* kind) {
  const std::string outside = namespace_of_this_process(kind);
  return outcome(in_child(prepared, [&](int&) -> std::string {
    const std::string inside = namespace_of_this_process(kind);
    if (inside.empty()) return "it cannot be read from /proc/self/ns";
    return inside != outside ? "" : "it is the zygote's own";
  }));
}

Failure check_seccomp(const Prepared& prepared) {
  const Ended ended = in_child(prepared, [&](int& channel) {
    (void)seal_and_move(prepared, channel);
    return try_seccomp(kRefusedAttempts).reason();
  });
  return was_killed_by_filter(ended) ? Failure{} : outcome(ended);
}

/// A child in between seals a grandchild, then dies; the grandchild's end of `watch` must close.
Failure check_parent_death(const Prepared& prepared) {
  int watch[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, watch) != 0) return failed("socketpair");
  const pid_t between = fork();
  if (between == 0) {
    try {
      if (fork_isolated(prepared).process != 0) {
        for (;;) pause();
      }
    } catch (const std::runtime_error&) {
      _exit(1);
    }
    (void)seal(prepared, watch[1]);
    (void)send(kKept, "s", 1, MSG_NOSIGNAL);
    for (;;) (void)poll(nullptr, 0, -1);
  }
  close(watch[1]);
  pollfd waiting{watch[0], POLLIN, 0};
  char sealed = 0;
  Failure failure;
  if (between < 0 || poll(&waiting, 1, kCheckMs) != 1 || recv(watch[0], &sealed, 1, 0) != 1) {
    failure = "a child for the check cannot be made";
  }
  if (between > 0) {
    kill(between, SIGKILL);
    while (waitpid(between, nullptr, 0) < 0 && errno == EINTR) continue;
  }
  if (failure.empty() && (poll(&waiting, 1, kCheckMs) != 1 || recv(watch[0], &sealed, 1, 0) != 0)) {
    failure = "a sandbox outlived its parent";
  }
  close(watch[0]);
  return failure;
}

struct Tried {
  Failure failure;
  const char* tried;
};

Tried try_layer(const Prepared& prepared, Layer layer) {
  constexpr std::pair<Layer, const char*> kNamespaces[] = {
      {Layer::user_namespace, "user"},    {Layer::pid_namespace, "pid"}, {Layer::network_namespace, "net"},
      {Layer::mount_namespace, "mnt"},    {Layer::ipc_namespace, "ipc"}, {Layer::uts_namespace, "uts"},
      {Layer::cgroup_namespace, "cgroup"}};
  for (const auto& [known, kind] : kNamespaces) {
    if (layer == known) return {check_namespace(prepared, kind), "differs from the zygote's"};
  }
  if (layer == Layer::seccomp) return {check_seccomp(prepared), kSeccompTried};
  if (layer == Layer::parent_death_signal) return {check_parent_death(prepared), "the sandbox dies with its parent"};
  const Check<Prepared>* check = find_check(kChecks, layer);
  if (check == nullptr) return {"nothing is known to check it with", ""};
  const Ended ended = in_child(prepared, [&](int& channel) {
    (void)seal_and_move(prepared, channel, check->skip);
    return check->attempt(prepared).reason();
  });
  return {outcome(ended), check->tried};
}

}  // namespace

Report verify(const Prepared& prepared) {
  Report report = sealed_report(prepared);
  record(report, Layer::environment, {});
  record(report, Layer::processes, {});
  for (LayerState& state : report) {
    if (!state.in_force) continue;
    const Tried tried = try_layer(prepared, state.layer);
    state.in_force = tried.failure.empty();
    state.reason = state.in_force ? tried.tried : tried.failure.reason();
  }
  return report;
}

}  // namespace dcp::isolation
