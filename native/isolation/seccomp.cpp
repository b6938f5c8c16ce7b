#include "isolation/seccomp.hpp"

#include <asm/ioctls.h>
#include <asm/termbits.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/mman.h>
#include <sys/prctl.h>

#include "isolation/seccomp_rules.hpp"

namespace dcp::isolation {
namespace {

// What an engine, the WebAssembly compiler, the event loop and the channels use. Names that an architecture lacks are
// left out.
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
    "close",
    "close_range",
    "dup",
    "dup2",
    "dup3",
    "lseek",
    "_llseek",
    // memory
    "munmap",
    "brk",
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
    "eventfd2",
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

// What libraries try and can do without. The error is one that they expect.
constexpr RefusedCall kRefused[] = {
    // files and sockets
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
    {"setsockopt", EPERM},
    {"getsockname", EACCES},
    // of which each watch takes memory of the kernel
    {"epoll_create", EPERM},
    {"epoll_create1", EPERM},
    {"timerfd_create", EPERM},
    // processes, memory that stays, scheduling
    {"fork", EPERM},
    {"vfork", EPERM},
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

constexpr int kIoctlCommands[] = {FIONREAD, FIONBIO};

void add_processes(Rules& rules, bool threads) {
  if (!threads) return rules.add(SCMP_ACT_ERRNO(EPERM), "clone");
  allow_threads(rules);
  allow_where(rules, "prctl", 0, {{PR_SET_NAME}});
}

constexpr int kMappingType = 0x0f;
constexpr int kUncounted = MAP_GROWSDOWN | MAP_HUGETLB;

/// One comparison of an argument's bits.
scmp_arg_cmp bits(unsigned index, int mask, int value) {
  return SCMP_CMP32(index, SCMP_CMP_MASKED_EQ, static_cast<unsigned>(mask), static_cast<unsigned>(value));
}

// The limit of private memory counts no shared memory without a file, no stack that grows, no huge page. Shared memory
// of JavaScript and WebAssembly is private to the process. Nothing is ever mapped as code.
void add_mapping(Rules& rules, const char* name) {
  const scmp_arg_cmp no_code = bits(2, PROT_EXEC, 0);
  rules.add(SCMP_ACT_ALLOW, name, no_code, bits(3, kUncounted | kMappingType, MAP_PRIVATE));
  rules.add(SCMP_ACT_ALLOW, name, no_code, bits(3, kUncounted | kMappingType | MAP_ANONYMOUS, MAP_SHARED));
  rules.add(SCMP_ACT_ERRNO(EPERM), name, no_code,
            bits(3, kUncounted | kMappingType | MAP_ANONYMOUS, MAP_SHARED | MAP_ANONYMOUS));
  rules.add(SCMP_ACT_ERRNO(EPERM), name, no_code, bits(3, MAP_GROWSDOWN, MAP_GROWSDOWN));
  rules.add(SCMP_ACT_ERRNO(EPERM), name, no_code, bits(3, kUncounted, MAP_HUGETLB));
}

// Of nothing, mremap makes a second mapping of shared memory; a memfd may be of huge pages; equal pages that are merged
// tell one process what another has.
void add_memory(Rules& rules) {
  rules.add(SCMP_ACT_ALLOW, "mremap", SCMP_A1_64(SCMP_CMP_NE, 0));
  rules.add(SCMP_ACT_ERRNO(EPERM), "mremap", SCMP_A1_64(SCMP_CMP_EQ, 0));
  rules.add(SCMP_ACT_ALLOW, "memfd_create", bits(1, MFD_HUGETLB, 0));
  rules.add(SCMP_ACT_ERRNO(EPERM), "memfd_create", bits(1, MFD_HUGETLB, MFD_HUGETLB));
  refuse_merging(rules);
}

// What a line's sender waits for: that its last bytes have arrived.
void add_socket_options(Rules& rules) {
  constexpr unsigned level = IPPROTO_TCP, option = TCP_INFO;
  rules.add(SCMP_ACT_ALLOW, "getsockopt", SCMP_A1_32(SCMP_CMP_EQ, level), SCMP_A2_32(SCMP_CMP_EQ, option));
  rules.add(SCMP_ACT_ERRNO(EPERM), "getsockopt", SCMP_A1_32(SCMP_CMP_EQ, level), SCMP_A2_32(SCMP_CMP_NE, option));
  rules.add(SCMP_ACT_ERRNO(EPERM), "getsockopt", SCMP_A1_32(SCMP_CMP_NE, level));
}

// wasmtime maps code to read and write, then makes it executable and no longer writable. No page may be written while
// it is code; the same memory may be mapped a second time. V8 patches its code, so there it may; where the processor
// has protection keys, V8 opens it with them for as long as it writes.
void add_mappings(Rules& rules, CodePages code) {
  for (const char* name : {"mmap", "mmap2"}) add_mapping(rules, name);
  if (code == CodePages::patched) {
    for (const char* name : {"mprotect", "pkey_mprotect"}) rules.add(SCMP_ACT_ALLOW, name);
    return;
  }
  rules.add(SCMP_ACT_ALLOW, "mprotect", SCMP_A2_32(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
  if (code == CodePages::none) return;
  rules.add(SCMP_ACT_ALLOW, "mprotect", SCMP_A2_32(SCMP_CMP_MASKED_EQ, PROT_EXEC | PROT_WRITE, PROT_EXEC));
}

void add_rules(Rules& rules, bool threads, CodePages code) {
  add_mappings(rules, code);
  add_memory(rules);
  add_socket_options(rules);
  for (const char* name : kAllowed) rules.add(SCMP_ACT_ALLOW, name);
  refuse(rules, kRefused);
  add_processes(rules, threads);
  for (const char* name : {"fcntl", "fcntl64"}) allow_where(rules, name, 1, kFcntlCommands);
  allow_where(rules, "ioctl", 1, kIoctlCommands);
  // isatty() asks by the first, and by the second since glibc 2.43.
  for (const unsigned command : {static_cast<unsigned>(TCGETS), static_cast<unsigned>(TCGETS2)}) {
    rules.add(SCMP_ACT_ERRNO(ENOTTY), "ioctl", SCMP_A1_32(SCMP_CMP_EQ, command));
  }
  allow_where(rules, "prctl", 0, {{PR_SET_VMA}});
  allow_reading_limits(rules);
  // Of files, only those that are open.
  for (const char* name : {"newfstatat", "fstatat64"}) {
    rules.add(SCMP_ACT_ALLOW, name, SCMP_A3_32(SCMP_CMP_MASKED_EQ, AT_EMPTY_PATH, AT_EMPTY_PATH));
    rules.add(SCMP_ACT_ERRNO(EACCES), name, SCMP_A3_32(SCMP_CMP_MASKED_EQ, AT_EMPTY_PATH, 0));
  }
}

}  // namespace

SeccompProgram compile_seccomp(bool threads, CodePages code) {
  return compile_rules(SCMP_ACT_KILL_PROCESS, [threads, code](Rules& rules) { add_rules(rules, threads, code); });
}

}  // namespace dcp::isolation
