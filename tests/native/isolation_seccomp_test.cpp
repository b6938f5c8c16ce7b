// The system call filter, call by call: what must work, what is refused quietly, what ends the process.
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "isolation/prctl.hpp"
#include "isolation/seccomp.hpp"

namespace {

enum Outcome { works, refused, killed };

struct Case {
  const char* name;
  Outcome expected;
  bool (*succeeds)();
};

bool makes_code() {
  void* page = mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return page != MAP_FAILED && mprotect(page, 4096, PROT_READ | PROT_EXEC) == 0 && munmap(page, 4096) == 0;
}

constexpr unsigned long kTcGets2 = 0x802C542A;  // its header does not go with that of ioctl()

bool asks_for_terminal() {
  unsigned settings[16];
  return ioctl(0, kTcGets2, settings) == 0;
}

bool seals_memory() {
  const int fd = memfd_create("x", MFD_ALLOW_SEALING | MFD_CLOEXEC);
  return fd >= 0 && ftruncate(fd, 4096) == 0 && fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK) == 0 &&
         fcntl(fd, F_GET_SEALS) == F_SEAL_SHRINK && close(fd) == 0;
}

bool waits() {
  const int fd = eventfd(1, EFD_CLOEXEC);
  pollfd event{fd, POLLIN, 0};
  timespec moment{0, 1000};
  return fd >= 0 && poll(&event, 1, 0) == 1 && clock_nanosleep(CLOCK_MONOTONIC, 0, &moment, nullptr) == 0;
}

bool reads_status_of_open_file() {
  struct stat status{};
  return fstat(0, &status) == 0;
}

bool reads_limit() {
  rlimit limit{};
  return getrlimit(RLIMIT_STACK, &limit) == 0;
}

bool sets_limit() {
  rlimit limit{0, 0};
  return setrlimit(RLIMIT_CORE, &limit) == 0;
}

bool forks() {
  const pid_t child = static_cast<pid_t>(syscall(SYS_clone, SIGCHLD, 0L, 0L, 0L, 0L));
  if (child == 0) _exit(0);
  return child > 0;
}

bool executes() {
  char path[] = "/bin/true";
  char* arguments[] = {path, nullptr};
  char* environment[] = {nullptr};
  execve(path, arguments, environment);
  return false;
}

bool looks_at_path() {
  struct stat status{};
  return stat("/", &status) == 0;
}

bool maps(int flags) { return mmap(nullptr, 4096, PROT_READ | PROT_WRITE, flags, -1, 0) != MAP_FAILED; }

bool shares_a_file() {
  const int fd = memfd_create("x", MFD_CLOEXEC);
  void* page =
      fd < 0 || ftruncate(fd, 4096) != 0 ? MAP_FAILED : mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  return page != MAP_FAILED && mremap(page, 4096, 8192, MREMAP_MAYMOVE) != MAP_FAILED;
}

bool advises(int advice) {
  void* page = mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return page != MAP_FAILED && madvise(page, 4096, advice) == 0;
}

bool reads_option(int level, int option) {
  char value[256];
  socklen_t size = sizeof value;
  // Of a descriptor that is no socket: the filter comes first.
  return getsockopt(0, level, option, value, &size) == 0 || errno != EPERM;
}

constexpr Case kCases[] = {
    {"code pages", works, makes_code},
    {"memfd and seals", works, seals_memory},
    {"shared memory of a file, which grows", works, shares_a_file},
    {"reserved memory", works, [] { return maps(MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK); }},
    {"giving pages back", works, [] { return advises(MADV_DONTNEED); }},
    {"state of a TCP connection", works, [] { return reads_option(IPPROTO_TCP, TCP_INFO); }},
    {"shared memory without a file", refused, [] { return maps(MAP_SHARED | MAP_ANONYMOUS); }},
    {"a growing stack", refused, [] { return maps(MAP_PRIVATE | MAP_ANONYMOUS | MAP_GROWSDOWN); }},
    {"a growing stack of huge pages", refused,
     [] { return maps(MAP_PRIVATE | MAP_ANONYMOUS | MAP_GROWSDOWN | MAP_HUGETLB); }},
    {"huge pages", refused, [] { return maps(MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB); }},
    {"a memfd of huge pages", refused, [] { return memfd_create("x", MFD_CLOEXEC | MFD_HUGETLB) >= 0; }},
    {"merged pages", refused, [] { return advises(MADV_MERGEABLE); }},
    {"congestion control", refused, [] { return reads_option(IPPROTO_TCP, TCP_CONGESTION); }},
    {"options of a socket", refused, [] { return reads_option(SOL_SOCKET, SO_PEERCRED); }},
    {"setting an option", refused, [] { return setsockopt(0, SOL_SOCKET, SO_SNDBUF, "abcd", 4) == 0; }},
    {"the address of a socket", refused,
     [] {
       sockaddr where;
       socklen_t size = sizeof where;
       return getsockname(0, &where, &size) == 0;
     }},
    {"epoll", refused, [] { return epoll_create1(0) >= 0; }},
    {"poll, eventfd, sleep", works, waits},
    {"fstat", works, reads_status_of_open_file},
    {"getrlimit", works, reads_limit},
    {"getpid", works, [] { return getpid() > 0; }},
    {"setrlimit", refused, sets_limit},
    {"open", refused, [] { return open("/dev/null", O_RDONLY) >= 0; }},
    {"stat", refused, looks_at_path},
    {"socket", refused, [] { return socket(AF_INET, SOCK_STREAM, 0) >= 0; }},
    {"unix socket", refused, [] { return socket(AF_UNIX, SOCK_STREAM, 0) >= 0; }},
    {"fork", refused, forks},
    {"execve", refused, executes},
    {"kill", refused, [] { return kill(getppid(), 0) == 0; }},
    {"terminal ioctl", refused, [] { return isatty(0) == 1; }},
    {"terminal ioctl of glibc 2.43", refused, asks_for_terminal},
    {"pushing input into a terminal", killed, [] { return ioctl(0, TIOCSTI, "x") == 0; }},
    {"ptrace", killed, [] { return ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) == 0; }},
    {"mount", killed, [] { return mount("none", "/", "tmpfs", 0, nullptr) == 0; }},
    {"unshare", killed, [] { return unshare(CLONE_NEWUSER) == 0; }},
    {"setns", killed, [] { return setns(0, 0) == 0; }},
    {"bpf", killed, [] { return syscall(SYS_bpf, 0, nullptr, 0) == 0; }},
    {"io_uring", killed, [] { return syscall(SYS_io_uring_setup, 1, nullptr) == 0; }},
    {"keyctl", killed, [] { return syscall(SYS_keyctl, 0, 0) == 0; }},
    {"perf_event_open", killed, [] { return syscall(SYS_perf_event_open, nullptr, 0, 0, 0, 0) == 0; }},
    {"userfaultfd", killed, [] { return syscall(SYS_userfaultfd, 0) == 0; }},
    {"process_vm_readv", killed, [] { return syscall(SYS_process_vm_readv, 1, nullptr, 0, nullptr, 0, 0) == 0; }},
    {"pidfd_getfd", killed, [] { return syscall(SYS_pidfd_getfd, 0, 0, 0) == 0; }},
    {"a number that no kernel knows", killed, [] { return syscall(100000) == 0; }},
    {"prctl of the speculation control", killed, [] { return prctl(PR_GET_SPECULATION_CTRL, 0, 0, 0, 0) == 0; }},
};

int run(const Case& each, const dcp::isolation::SeccompProgram& program) {
  const pid_t child = fork();
  if (child == 0) {
    if (!dcp::isolation::no_new_privs().empty() || !dcp::isolation::install_seccomp(program).empty()) _exit(3);
    _exit(each.succeeds() ? works : refused);
  }
  int status = 0;
  if (waitpid(child, &status, 0) != child) return -1;
  return WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS ? killed : WEXITSTATUS(status);
}

}  // namespace

int main() {
  const dcp::isolation::SeccompProgram program = dcp::isolation::compile_seccomp();
  if (!program.failure.empty()) {
    std::fprintf(stderr, "%s\n", program.failure.reason().c_str());
    return 1;
  }
  int failures = 0;
  for (const Case& each : kCases) {
    const int outcome = run(each, program);
    if (outcome == each.expected) continue;
    std::fprintf(stderr, "%s: outcome %d, expected %d\n", each.name, outcome, each.expected);
    ++failures;
  }
  return failures == 0 ? 0 : 1;
}
