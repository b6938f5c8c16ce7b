// Other processes, and what this one may become.
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <string>

#include "attack.hpp"

namespace dcp::attacks {
namespace {

/// A process made by `number`, which ends at once.
std::string new_process(long number, unsigned long flags) {
  const long child = syscall(number, flags, 0, 0, 0, 0);
  if (child == 0) _exit(0);
  const std::string text = outcome(child, "a process");
  if (child > 0) (void)waitpid(static_cast<pid_t>(child), nullptr, __WALL);
  return text;
}

std::string make_process() { return new_process(SYS_clone, SIGCHLD); }
std::string make_sharing_process() {
  const pid_t child = vfork();
  if (child == 0) _exit(0);
  const std::string text = outcome(child, "a process");
  if (child > 0) (void)waitpid(child, nullptr, 0);
  return text;
}
std::string make_user_namespace() { return new_process(SYS_clone, SIGCHLD | CLONE_NEWUSER); }
std::string clone3() {
  std::uint64_t arguments[8] = {0, 0, 0, 0, SIGCHLD, 0, 0, 0};
  const long child = syscall(SYS_clone3, arguments, sizeof arguments);
  if (child == 0) _exit(0);
  const std::string text = outcome(child, "a process");
  if (child > 0) (void)waitpid(static_cast<pid_t>(child), nullptr, 0);
  return text;
}
/// More than any program of ours has a use for; they end with the process.
std::string many_threads() {
  pthread_attr_t small;
  (void)pthread_attr_init(&small);
  (void)pthread_attr_setstacksize(&small, PTHREAD_STACK_MIN);
  const auto wait = [](void*) -> void* {
    for (;;) (void)poll(nullptr, 0, -1);
  };
  for (int i = 0; i < 4096; ++i) {
    pthread_t thread;
    if (const int error = pthread_create(&thread, &small, wait, nullptr); error != 0) {
      errno = error;
      return outcome(-1);
    }
  }
  return "SUCCEEDED: 4096 threads";
}
std::string execute() {
  char* const none[] = {nullptr};
  return outcome(execve("/bin/true", none, none));
}
std::string execute_memory() {
  const int fd = memfd_create("attack", 0);
  constexpr std::string_view script = "#!/bin/sh\nexit 0\n";
  if (fd < 0 || write(fd, script.data(), script.size()) < 0) return outcome(-1);
  char* const none[] = {nullptr};
  return outcome(syscall(SYS_execveat, fd, "", none, none, AT_EMPTY_PATH));
}
std::string trace_me() { return outcome(ptrace(PTRACE_TRACEME, 0, nullptr, nullptr), "traced"); }
std::string trace_parent() {
  const long result = ptrace(PTRACE_SEIZE, getppid(), nullptr, nullptr);
  return outcome(result, "the parent is traced");
}
std::string signal_parent() { return outcome(kill(getppid() == 0 ? 1 : getppid(), 0), "kill"); }
std::string signal_all() { return outcome(kill(-1, 0), "kill of all"); }
std::string signal_thread() { return outcome(syscall(SYS_tgkill, 1, 1, 0), "tgkill"); }
std::string queue_signal() {
  siginfo_t info{};
  info.si_code = SI_QUEUE;
  return outcome(syscall(SYS_rt_sigqueueinfo, getppid() == 0 ? 1 : getppid(), 0, &info), "a queued signal");
}
std::string process_descriptor() {
  return outcome(syscall(SYS_pidfd_open, getppid() == 0 ? 1 : getppid(), 0), "pidfd");
}
std::string read_process() {
  char byte = 0;
  iovec mine{&byte, 1}, theirs{&byte, 1};
  return outcome(process_vm_readv(getpid(), &mine, 1, &theirs, 1, 0), "process_vm_readv");
}
std::string write_process() {
  char byte = 0;
  iovec mine{&byte, 1}, theirs{&byte, 1};
  return outcome(process_vm_writev(getpid(), &mine, 1, &theirs, 1, 0), "process_vm_writev");
}
/// Signals to the owner of a descriptor: a terminal's way in.
std::string own_descriptor() {
  errno = EBADF;
  for (int fd = 3; fd < 64; ++fd) {
    if (fcntl(fd, F_GETFD) >= 0) return outcome(fcntl(fd, F_SETOWN, 1), "F_SETOWN");
  }
  return outcome(-1);
}
std::string be_dumpable() { return outcome(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0), "dumpable"); }
std::string outlive_parent() { return outcome(prctl(PR_SET_PDEATHSIG, 0, 0, 0, 0), "no parent-death signal"); }
std::string be_subreaper() { return outcome(prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), "subreaper"); }
std::string allow_tracers() { return outcome(prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0), "PR_SET_PTRACER"); }
std::string become_root() { return outcome(setresuid(0, 0, 0), "root"); }
std::string leave_groups() { return outcome(setgroups(0, nullptr), "setgroups"); }
/// Whether a thread is moved: the filter of a GPU host says so, and does nothing.
std::string pin_thread() {
  cpu_set_t before, after, one;
  if (sched_getaffinity(0, sizeof before, &before) != 0 || CPU_COUNT(&before) < 2) return outcome(-1);
  CPU_ZERO(&one);
  for (int cpu = 0; CPU_COUNT(&one) == 0; ++cpu) {
    if (CPU_ISSET(cpu, &before)) CPU_SET(cpu, &one);
  }
  if (sched_setaffinity(0, sizeof one, &one) != 0) return outcome(-1);
  errno = EPERM;
  const bool moved = sched_getaffinity(0, sizeof after, &after) == 0 && CPU_COUNT(&after) == 1;
  return outcome(moved ? 0 : -1, "a thread is pinned");
}
std::string change_scheduler() {
  const sched_param none{};
  const int before = sched_getscheduler(0);
  if (sched_setscheduler(0, SCHED_BATCH, &none) != 0) return outcome(-1);
  errno = EPERM;
  return outcome(sched_getscheduler(0) == before ? -1 : 0, "another scheduler");
}

constexpr Attack kAttacks[] = {
    ATTACK(make_process),        ATTACK(make_sharing_process),
    ATTACK(make_user_namespace), ATTACK(clone3),
    ATTACK(many_threads),        ATTACK(execute),
    ATTACK(execute_memory),      ATTACK(trace_me),
    ATTACK(trace_parent),        ATTACK(signal_parent),
    ATTACK(signal_all),          ATTACK(signal_thread),
    ATTACK(queue_signal),        ATTACK(process_descriptor),
    ATTACK(read_process),        ATTACK(write_process),
    ATTACK(own_descriptor),      ATTACK(be_dumpable),
    ATTACK(outlive_parent),      ATTACK(be_subreaper),
    ATTACK(allow_tracers),       ATTACK(become_root),
    ATTACK(leave_groups),        ATTACK(pin_thread),
    ATTACK(change_scheduler),
};

}  // namespace

std::span<const Attack> on_processes() { return kAttacks; }

}  // namespace dcp::attacks
