#include "isolation/seccomp.hpp"

#include <asm/ioctls.h>
#include <fcntl.h>
#include <linux/prctl.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <memory>
#include <string_view>

#ifndef PR_SET_VMA
#define PR_SET_VMA 0x53564d41
#endif

namespace dcp::isolation {
namespace {

// What an engine, the WebAssembly compiler, the event loop and the channels use. Names that an architecture lacks are
// left out. mprotect and mmap may make code: WebAssembly is compiled in the sandbox.
constexpr const char* kAllowed[] = {
    // channels
    "read",
    "write",
    "readv",
    "writev",
    "pread64",
    "pwrite64",
    "recvmsg",
    "sendmsg",
    "recvfrom",
    "sendto",
    "recv",
    "send",
    "shutdown",
    "getsockopt",
    "setsockopt",
    "getsockname",
    "close",
    "close_range",
    "dup",
    "dup2",
    "dup3",
    "lseek",
    "_llseek",
    // memory
    "mmap",
    "mmap2",
    "munmap",
    "mprotect",
    "mremap",
    "madvise",
    "brk",
    "memfd_create",
    "ftruncate",
    "ftruncate64",
    "fallocate",
    "fstat",
    "fstat64",
    "fstatfs",
    "membarrier",
    "mincore",
    "msync",
    "cacheflush",
    "riscv_flush_icache",
    // waiting and time
    "poll",
    "ppoll",
    "ppoll_time64",
    "select",
    "_newselect",
    "pselect6",
    "epoll_create1",
    "epoll_ctl",
    "epoll_wait",
    "epoll_pwait",
    "epoll_pwait2",
    "eventfd2",
    "timerfd_create",
    "timerfd_settime",
    "timerfd_gettime",
    "clock_gettime",
    "clock_gettime64",
    "clock_getres",
    "clock_nanosleep",
    "clock_nanosleep_time64",
    "nanosleep",
    "gettimeofday",
    "time",
    "times",
    "futex",
    "futex_time64",
    "sched_yield",
    "restart_syscall",
    // the process itself
    "exit",
    "exit_group",
    "rt_sigaction",
    "rt_sigprocmask",
    "rt_sigreturn",
    "sigreturn",
    "sigaltstack",
    "getpid",
    "gettid",
    "getppid",
    "getuid",
    "geteuid",
    "getgid",
    "getegid",
    "getrandom",
    "getrusage",
    "getrlimit",
    "ugetrlimit",
    "sched_getaffinity",
    "getcpu",
    "sysinfo",
    "uname",
    "set_robust_list",
    "rseq",
};

struct Refused {
  const char* name;
  int error;
};

// What libraries try and can do without. The error is one that they expect.
constexpr Refused kRefused[] = {
    {"open", EACCES},
    {"openat", EACCES},
    {"openat2", ENOSYS},
    {"creat", EACCES},
    {"stat", EACCES},
    {"stat64", EACCES},
    {"lstat", EACCES},
    {"lstat64", EACCES},
    {"statx", ENOSYS},
    {"statfs", EACCES},
    {"access", EACCES},
    {"faccessat", EACCES},
    {"faccessat2", EACCES},
    {"readlink", EACCES},
    {"readlinkat", EACCES},
    {"getcwd", EACCES},
    {"chdir", EACCES},
    {"getdents64", EACCES},
    {"unlink", EACCES},
    {"unlinkat", EACCES},
    {"mkdir", EACCES},
    {"mkdirat", EACCES},
    {"socket", EACCES},
    {"socketpair", EACCES},
    {"connect", EACCES},
    {"bind", EACCES},
    {"pipe", EACCES},
    {"pipe2", EACCES},
    {"fork", EPERM},
    {"vfork", EPERM},
    {"clone", EPERM},
    {"clone3", ENOSYS},
    {"execve", EACCES},
    {"execveat", EACCES},
    {"kill", EPERM},
    {"tkill", EPERM},
    {"tgkill", EPERM},
    {"mlock", EPERM},
    {"mlock2", EPERM},
    {"mlockall", EPERM},
    {"setpriority", EPERM},
    {"mbind", EPERM},
    {"get_mempolicy", EPERM},
    {"set_mempolicy", EPERM},
    {"sched_setaffinity", EPERM},
    {"sched_getparam", EPERM},
    {"sched_getscheduler", EPERM},
    {"pkey_alloc", ENOSYS},
};

constexpr int kFcntlCommands[] = {F_DUPFD, F_DUPFD_CLOEXEC, F_GETFD,     F_SETFD,
                                  F_GETFL, F_SETFL,         F_ADD_SEALS, F_GET_SEALS};

using Context = std::unique_ptr<void, decltype(&seccomp_release)>;

class Rules {
 public:
  explicit Rules(scmp_filter_ctx context) : context_(context) {}

  template <typename... Comparisons>
  void add(std::uint32_t action, const char* name, Comparisons... comparisons) {
    const int number = seccomp_syscall_resolve_name(name);
    if (number == __NR_SCMP_ERROR || error_ != 0) return;
    const int result = seccomp_rule_add(context_, action, number, sizeof...(comparisons), comparisons...);
    // libseccomp answers EDOM for a name that exists on other architectures only.
    if (result != 0 && result != -EDOM) {
      error_ = -result;
      culprit_ = name;
    }
  }

  Failure failure() const {
    return error_ == 0 ? Failure{} : failed(std::string("seccomp rule for ") + culprit_, error_);
  }

 private:
  scmp_filter_ctx context_;
  int error_ = 0;
  const char* culprit_ = "";
};

// glibc tries clone3, whose flags a filter cannot see, and falls back to clone where it does not exist.
void add_threads(Rules& rules) {
  rules.add(SCMP_ACT_ALLOW, "clone", SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, CLONE_THREAD));
  rules.add(SCMP_ACT_ERRNO(EPERM), "clone", SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, 0));
  rules.add(SCMP_ACT_ALLOW, "prctl", SCMP_A0_32(SCMP_CMP_EQ, PR_SET_NAME));
}

Failure add_rules(scmp_filter_ctx context, bool threads) {
  Rules rules(context);
  for (const char* name : kAllowed) rules.add(SCMP_ACT_ALLOW, name);
  if (threads) add_threads(rules);
  for (const Refused& refused : kRefused) {
    if (threads && std::string_view(refused.name) == "clone") continue;
    rules.add(SCMP_ACT_ERRNO(static_cast<unsigned>(refused.error)), refused.name);
  }
  for (const char* name : {"fcntl", "fcntl64"}) {
    for (const int command : kFcntlCommands) {
      rules.add(SCMP_ACT_ALLOW, name, SCMP_A1_32(SCMP_CMP_EQ, static_cast<unsigned>(command)));
    }
  }
  for (const unsigned command : {FIONREAD, FIONBIO})
    rules.add(SCMP_ACT_ALLOW, "ioctl", SCMP_A1_32(SCMP_CMP_EQ, command));
  rules.add(SCMP_ACT_ERRNO(ENOTTY), "ioctl", SCMP_A1_32(SCMP_CMP_EQ, static_cast<unsigned>(TCGETS)));  // isatty()
  rules.add(SCMP_ACT_ALLOW, "prctl", SCMP_A0_32(SCMP_CMP_EQ, PR_SET_VMA));
  // Limits may be read, not set; of files, only those that are open.
  rules.add(SCMP_ACT_ALLOW, "prlimit64", SCMP_A2_64(SCMP_CMP_EQ, 0));
  rules.add(SCMP_ACT_ERRNO(EPERM), "prlimit64", SCMP_A2_64(SCMP_CMP_NE, 0));
  for (const char* name : {"newfstatat", "fstatat64"}) {
    rules.add(SCMP_ACT_ALLOW, name, SCMP_A3_32(SCMP_CMP_MASKED_EQ, AT_EMPTY_PATH, AT_EMPTY_PATH));
    rules.add(SCMP_ACT_ERRNO(EACCES), name, SCMP_A3_32(SCMP_CMP_MASKED_EQ, AT_EMPTY_PATH, 0));
  }
  return rules.failure();
}

Failure read_program(scmp_filter_ctx context, std::vector<sock_filter>& instructions) {
  const int fd = memfd_create("seccomp", MFD_CLOEXEC);
  if (fd < 0) return failed("memfd_create");
  struct stat status{};
  Failure failure;
  if (const int result = seccomp_export_bpf(context, fd); result != 0) {
    failure = failed("seccomp_export_bpf", -result);
  } else if (fstat(fd, &status) != 0) {
    failure = failed("fstat");
  } else {
    instructions.resize(static_cast<std::size_t>(status.st_size) / sizeof(sock_filter));
    if (pread(fd, instructions.data(), instructions.size() * sizeof(sock_filter), 0) != status.st_size) {
      failure = failed("pread of the filter");
    }
  }
  close(fd);
  return failure;
}

}  // namespace

SeccompProgram compile_seccomp(bool threads) {
  SeccompProgram program;
  const Context context(seccomp_init(SCMP_ACT_KILL_PROCESS), seccomp_release);
  if (!context) {
    program.failure = "seccomp_init failed";
    return program;
  }
  (void)seccomp_attr_set(context.get(), SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
  (void)seccomp_attr_set(context.get(), SCMP_FLTATR_CTL_OPTIMIZE, 2);  // binary search
  program.failure = add_rules(context.get(), threads);
  if (program.failure.empty()) program.failure = read_program(context.get(), program.instructions);
  return program;
}

Failure install_seccomp(const SeccompProgram& program) {
  if (!program.failure.empty()) return program.failure;
  sock_fprog filter{static_cast<unsigned short>(program.instructions.size()),
                    const_cast<sock_filter*>(program.instructions.data())};
  return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0u, &filter) == 0 ? Failure{} : failed("seccomp");
}

}  // namespace dcp::isolation
