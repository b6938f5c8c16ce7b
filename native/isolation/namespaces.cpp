#include "isolation/namespaces.hpp"

#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string_view>

namespace dcp::isolation {
namespace {

struct Namespace {
  Layer layer;
  int flag;
};

constexpr Namespace kOthers[] = {
    {Layer::pid_namespace, CLONE_NEWPID},  {Layer::network_namespace, CLONE_NEWNET},
    {Layer::mount_namespace, CLONE_NEWNS}, {Layer::ipc_namespace, CLONE_NEWIPC},
    {Layer::uts_namespace, CLONE_NEWUTS},  {Layer::cgroup_namespace, CLONE_NEWCGROUP},
};

Failure write_file(const std::string& path, std::string_view text) {
  const int fd = open(path.c_str(), O_WRONLY | O_CLOEXEC);
  if (fd < 0) return failed("open " + path);
  const ssize_t written = write(fd, text.data(), text.size());
  const int error = errno;
  close(fd);
  return written == static_cast<ssize_t>(text.size()) ? Failure{} : failed("write " + path, error);
}

std::string map_line(unsigned outside) { return std::to_string(kNobody) + " " + std::to_string(outside) + " 1\n"; }

/// Makes a child with `plan`, lets it take its ids in a user namespace, and sees whether it could.
Failure attempt(const NamespacePlan& plan) {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) return failed("socketpair");
  const pid_t child = clone_process(plan.flags);
  if (child < 0) {
    const int error = errno;
    close(ends[0]);
    close(ends[1]);
    return failed("clone", error);
  }
  if (child == 0) {
    char go = 0;
    close(ends[0]);
    if (recv(ends[1], &go, 1, 0) != 1) _exit(1);
    const Failure failure = plan.user ? become_unprivileged(plan) : Failure{};
    (void)send(ends[1], failure.reason().data(), failure.reason().size(), MSG_NOSIGNAL);
    _exit(failure.empty() ? 0 : 1);
  }
  close(ends[1]);
  Failure failure = write_id_maps(child, plan);
  if (failure.empty()) (void)send(ends[0], "g", 1, MSG_NOSIGNAL);
  char text[256];
  const ssize_t size = failure.empty() ? recv(ends[0], text, sizeof text, 0) : 0;
  if (size > 0) failure = std::string(text, static_cast<std::size_t>(size));
  close(ends[0]);
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) continue;
  if (failure.empty() && status != 0) failure = "the child of a trial ended early";
  return failure;
}

/// Root gives the sandbox an id without rights outside; where that is refused, and for everybody else, it is the own.
Failure plan_user(NamespacePlan& plan) {
  plan.flags = CLONE_NEWUSER;
  plan.user = true;
  Failure failure;
  if (geteuid() == 0) {
    plan.outside_uid = plan.outside_gid = kNobody;
    failure = attempt(plan);
    if (failure.empty()) return {};
  }
  plan.outside_uid = geteuid();
  plan.outside_gid = getegid();
  failure = attempt(plan);
  if (!failure.empty()) plan = NamespacePlan{};
  return failure;
}

}  // namespace

pid_t clone_process(int flags) {
  // The system call, since glibc's clone() wants a stack; without CLONE_VM it behaves as fork(). All arguments after
  // the flags are zero, so their order, which differs between architectures, does not matter.
  return static_cast<pid_t>(syscall(SYS_clone, flags | SIGCHLD, 0L, 0L, 0L, 0L));
}

NamespacePlan plan_namespaces() {
  NamespacePlan plan;
  const Failure user = plan_user(plan);
  record(plan.layers, Layer::user_namespace, user);

  NamespacePlan all = plan;
  for (const Namespace& other : kOthers) all.flags |= other.flag;
  const bool together = attempt(all).empty();
  for (const Namespace& other : kOthers) {
    NamespacePlan trial = plan;
    trial.flags |= other.flag;
    const Failure failure = together ? Failure{} : attempt(trial);
    if (failure.empty()) plan.flags = trial.flags;
    record(plan.layers, other.layer, failure);
  }
  return plan;
}

Failure write_id_maps(pid_t child, const NamespacePlan& plan) {
  if (!plan.user) return {};
  const std::string base = "/proc/" + std::to_string(child) + "/";
  // An ordinary user may map a group only after setgroups(2) is given up; root keeps it to leave its groups.
  if (geteuid() != 0) {
    if (Failure failure = write_file(base + "setgroups", "deny"); !failure.empty()) return failure;
  }
  if (Failure failure = write_file(base + "uid_map", map_line(plan.outside_uid)); !failure.empty()) return failure;
  return write_file(base + "gid_map", map_line(plan.outside_gid));
}

Failure become_unprivileged(const NamespacePlan& plan) {
  if (plan.user || geteuid() == 0) {
    // Refused to an ordinary user's namespace, whose groups stay; they open nothing without files in reach.
    if (setgroups(0, nullptr) != 0 && errno != EPERM) return failed("setgroups");
    if (setresgid(kNobody, kNobody, kNobody) != 0) return failed("setresgid");
    if (setresuid(kNobody, kNobody, kNobody) != 0) return failed("setresuid");
  }
  return {};
}

Failure enter_user_namespace() {
  const unsigned uid = geteuid(), gid = getegid();
  if (unshare(CLONE_NEWUSER) != 0) return failed("unshare");
  if (access("/proc/self/uid_map", F_OK) != 0) return {};
  if (Failure failure = write_file("/proc/self/setgroups", "deny"); !failure.empty()) return failure;
  if (Failure failure = write_file("/proc/self/uid_map", map_line(uid)); !failure.empty()) return failure;
  return write_file("/proc/self/gid_map", map_line(gid));
}

Report enter_other_namespaces() {
  Report report;
  for (const Namespace& other : kOthers) {
    if (other.flag == CLONE_NEWPID) continue;
    const Failure failure = unshare(other.flag) == 0 ? Failure{} : failed("unshare");
    record(report, other.layer, failure);
  }
  return report;
}

Failure rename_host(bool own_namespace) {
  constexpr std::string_view name = "sandbox";
  if (!own_namespace) return "no own uts namespace";
  if (sethostname(name.data(), name.size()) != 0) return failed("sethostname");
  if (setdomainname("", 0) != 0) return failed("setdomainname");
  return {};
}

}  // namespace dcp::isolation
