#include "isolation/seccomp_driver.hpp"

#include <asm/ioctls.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "isolation/seccomp_rules.hpp"

namespace dcp::isolation {
namespace {

// What a Vulkan driver and its compiler use beside what the host itself does: read by system-call traces of Mesa's
// lavapipe, and what radv, anv and NVIDIA's library are known to call. Files are bounded by the root and by Landlock.
constexpr const char* kAllowed[] = {
    // descriptors and the socket to the sandbox
    "read", "write", "readv", "writev", "pread64", "pwrite64", "preadv", "pwritev", "recvmsg", "sendmsg", "recvfrom",
    "sendto", "shutdown", "getsockopt", "getsockname", "close", "close_range", "dup", "dup2", "dup3", "lseek",
    "_llseek", "pipe", "pipe2", "eventfd", "eventfd2",
    // files
    "open", "openat", "stat", "stat64", "lstat", "lstat64", "newfstatat", "fstatat64", "fstat", "fstat64", "statx",
    "statfs", "statfs64", "fstatfs", "fstatfs64", "access", "faccessat", "faccessat2", "readlink", "readlinkat",
    "getdents", "getdents64", "getcwd", "mkdir", "mkdirat", "unlink", "unlinkat", "rmdir", "rename", "renameat",
    "renameat2", "flock", "fsync", "fdatasync", "ftruncate", "ftruncate64", "fallocate", "umask", "fadvise64", "fchmod",
    // memory; the compiler of shaders makes code
    "munmap", "mprotect", "mremap", "brk", "memfd_create", "msync", "mincore", "membarrier", "cacheflush",
    "riscv_flush_icache", "mlock", "mlock2", "munlock", "get_mempolicy",
    // waiting and time
    "poll", "ppoll", "ppoll_time64", "select", "_newselect", "pselect6", "epoll_create", "epoll_create1", "epoll_ctl",
    "epoll_wait", "epoll_pwait", "epoll_pwait2", "timerfd_create", "timerfd_settime", "timerfd_gettime",
    "clock_gettime", "clock_gettime64", "clock_getres", "clock_nanosleep", "clock_nanosleep_time64", "nanosleep",
    "gettimeofday", "time", "times", "futex", "futex_time64", "futex_waitv", "sched_yield", "restart_syscall", "alarm",
    "setitimer", "pause",
    // the process itself
    "exit", "exit_group", "rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "rt_sigsuspend", "rt_sigpending",
    "sigreturn", "sigaltstack", "getpid", "gettid", "getppid", "getuid", "geteuid", "getgid", "getegid", "getresuid",
    "getresgid", "getrandom", "getrusage", "getrlimit", "ugetrlimit", "sched_getaffinity", "sched_getparam",
    "sched_getscheduler", "sched_get_priority_max", "sched_get_priority_min", "getpriority", "getcpu", "sysinfo",
    "uname", "set_robust_list", "rseq", "arch_prctl", "set_tid_address"};

// What libraries try and can do without: a driver that survives an error is not ended for it. What is on no list fails
// with ENOSYS, as clone3, for which glibc knows another way: a filter cannot see its flags.
constexpr RefusedCall kRefused[] = {
    {"socket", EACCES},
    {"socketpair", EACCES},
    {"connect", EACCES},
    {"bind", EACCES},
    {"fork", EPERM},
    {"vfork", EPERM},
    {"execve", EACCES},
    {"execveat", EACCES},
    {"wait4", ECHILD},
    {"waitid", ECHILD},
    // NVIDIA's library makes and repairs its device nodes where it may.
    {"mknod", EPERM},
    {"mknodat", EPERM},
    {"chmod", EPERM},
    {"fchmodat", EPERM},
    {"fchmodat2", EPERM},
    {"chown", EPERM},
    {"fchown", EPERM},
    {"lchown", EPERM},
    {"fchownat", EPERM},
    // What libraries find out about files, processes and the kernel.
    {"name_to_handle_at", EOPNOTSUPP},
    {"personality", EPERM},
    {"userfaultfd", EPERM},
    {"pidfd_open", EPERM},
    {"perf_event_open", EACCES},
    {"syslog", EPERM},
    {"tkill", EPERM},
    // Priorities and places of threads.
    {"setpriority", EPERM},
    {"sched_setattr", EPERM},
    {"sched_setparam", EPERM},
    {"move_pages", EPERM},
    {"migrate_pages", EPERM},
};

// Answered with success, and not done: pthread_create() gives up where they fail, and they reach other processes of the
// same user.
constexpr const char* kPretended[] = {"sched_setaffinity", "sched_setscheduler"};

// What no driver calls and an exploit would.
constexpr const char* kKilled[] = {"ptrace",
                                   "process_vm_readv",
                                   "process_vm_writev",
                                   "process_madvise",
                                   "pidfd_getfd",
                                   "pidfd_send_signal",
                                   "bpf",
                                   "io_uring_setup",
                                   "io_uring_enter",
                                   "io_uring_register",
                                   "keyctl",
                                   "add_key",
                                   "request_key",
                                   "mount",
                                   "umount2",
                                   "pivot_root",
                                   "chroot",
                                   "fsopen",
                                   "fsconfig",
                                   "fsmount",
                                   "fspick",
                                   "open_tree",
                                   "move_mount",
                                   "mount_setattr",
                                   "unshare",
                                   "setns",
                                   "init_module",
                                   "finit_module",
                                   "delete_module",
                                   "kexec_load",
                                   "kexec_file_load",
                                   "reboot",
                                   "swapon",
                                   "swapoff",
                                   "acct",
                                   "setuid",
                                   "setgid",
                                   "setreuid",
                                   "setregid",
                                   "setresuid",
                                   "setresgid",
                                   "setfsuid",
                                   "setfsgid",
                                   "setgroups",
                                   "capset",
                                   "sethostname",
                                   "setdomainname",
                                   "settimeofday",
                                   "clock_settime",
                                   "clock_adjtime",
                                   "adjtimex",
                                   "quotactl",
                                   "open_by_handle_at",
                                   "fanotify_init",
                                   "lookup_dcookie",
                                   "vhangup",
                                   "iopl",
                                   "ioperm",
                                   "modify_ldt",
                                   "seccomp",
                                   "rt_sigqueueinfo",
                                   "rt_tgsigqueueinfo",
                                   "vmsplice",
                                   "memfd_secret"};

constexpr int kFcntlCommands[] = {F_DUPFD,     F_DUPFD_CLOEXEC, F_GETFD,     F_SETFD,    F_GETFL,
                                  F_SETFL,     F_GETLK,         F_SETLK,     F_SETLKW,   F_OFD_GETLK,
                                  F_OFD_SETLK, F_OFD_SETLKW,    F_ADD_SEALS, F_GET_SEALS};

constexpr int kPrctlOptions[] = {PR_SET_VMA, PR_SET_NAME, PR_GET_NAME, PR_GET_DUMPABLE};

// The second byte of an ioctl's number says whose it is. 0: NVIDIA's unified memory, which numbers its own from 1.
constexpr unsigned kIoctlTypes[] = {0, 'd', 'F', 'm', 'b', '>', 'G'};

constexpr int kIoctlCommands[] = {FIONREAD, FIONBIO};

constexpr int kTiocLinux = 0x541C;

void add_ioctls(Rules& rules) {
  for (const unsigned type : kIoctlTypes) {
    rules.add(SCMP_ACT_ALLOW, "ioctl", SCMP_A1_32(SCMP_CMP_MASKED_EQ, 0xFF00, type << 8));
  }
  allow_where(rules, "ioctl", 1, kIoctlCommands);
  // isatty() asks so. The calls that feed a terminal end the process.
  for (const int command : {TIOCSTI, TIOCSCTTY, kTiocLinux}) {
    rules.add(SCMP_ACT_KILL_PROCESS, "ioctl", SCMP_A1_32(SCMP_CMP_EQ, static_cast<unsigned>(command)));
  }
}

/// Signals to itself alone: abort() sends one.
void add_signals(Rules& rules, unsigned process) {
  for (const char* name : {"kill", "tgkill"}) {
    rules.add(SCMP_ACT_ALLOW, name, SCMP_A0_32(SCMP_CMP_EQ, process));
    rules.add(SCMP_ACT_KILL_PROCESS, name, SCMP_A0_32(SCMP_CMP_NE, process));
  }
}

/// No limit counts a stack that grows, and no driver makes one.
void add_mappings(Rules& rules) {
  for (const char* name : {"mmap", "mmap2"}) {
    rules.add(SCMP_ACT_ALLOW, name, SCMP_A3_32(SCMP_CMP_MASKED_EQ, MAP_GROWSDOWN, 0));
    rules.add(SCMP_ACT_ERRNO(EPERM), name, SCMP_A3_32(SCMP_CMP_MASKED_EQ, MAP_GROWSDOWN, MAP_GROWSDOWN));
  }
}

void add_rules(Rules& rules, unsigned process) {
  for (const char* name : kAllowed) rules.add(SCMP_ACT_ALLOW, name);
  for (const char* name : kKilled) rules.add(SCMP_ACT_KILL_PROCESS, name);
  refuse(rules, kRefused);
  for (const char* name : kPretended) rules.add(SCMP_ACT_ERRNO(0), name);
  allow_threads(rules);
  add_mappings(rules);
  refuse_merging(rules);
  for (const char* name : {"fcntl", "fcntl64"}) allow_where(rules, name, 1, kFcntlCommands);
  allow_where(rules, "prctl", 0, kPrctlOptions);
  allow_reading_limits(rules);
  add_ioctls(rules);
  add_signals(rules, process);
}

}  // namespace

SeccompProgram compile_driver_seccomp() {
  const auto process = static_cast<unsigned>(getpid());
  return compile_rules(SCMP_ACT_ERRNO(ENOSYS), [process](Rules& rules) { add_rules(rules, process); });
}

}  // namespace dcp::isolation
