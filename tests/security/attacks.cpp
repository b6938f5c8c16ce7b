#include "attacks.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/bpf.h>
#include <linux/keyctl.h>
#include <linux/perf_event.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/klog.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/timex.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace dcp::attacks {
namespace {

/// A call that should fail.
std::string outcome(long result, const char* what = "") {
  const int error = errno;
  if (result < 0) return std::string("refused: ") + strerrorname_np(error);
  return std::string("SUCCEEDED: ") + what;
}

std::string open_and_close(const char* path, int flags) {
  const int fd = open(path, flags | O_CLOEXEC, 0600);
  const std::string text = outcome(fd, path);
  if (fd >= 0) close(fd);
  return text;
}

std::string new_socket(int family, int type, int protocol = 0) {
  const int fd = socket(family, type | SOCK_CLOEXEC, protocol);
  const std::string text = outcome(fd, "a socket");
  if (fd >= 0) close(fd);
  return text;
}

/// A process made by `number`, which ends at once.
std::string new_process(long number, unsigned long flags) {
  const long child = syscall(number, flags, 0, 0, 0, 0);
  if (child == 0) _exit(0);
  const std::string text = outcome(child, "a process");
  if (child > 0) (void)waitpid(static_cast<pid_t>(child), nullptr, __WALL);
  return text;
}

std::string read_file() { return open_and_close("/etc/passwd", O_RDONLY); }
std::string write_file() {
  const std::string text = open_and_close("/tmp/dcp-attack", O_WRONLY | O_CREAT);
  (void)unlink("/tmp/dcp-attack");
  return text;
}
std::string list_home() { return open_and_close("/root", O_RDONLY | O_DIRECTORY); }
std::string list_tmp() { return open_and_close("/tmp", O_RDONLY | O_DIRECTORY); }
std::string proc_self_mem() { return open_and_close("/proc/self/mem", O_RDWR); }
std::string proc_self_maps() { return open_and_close("/proc/self/maps", O_RDONLY); }
std::string proc_environment() { return open_and_close("/proc/1/environ", O_RDONLY); }
std::string proc_kernel() { return open_and_close("/proc/sys/kernel/core_pattern", O_RDONLY); }
std::string memory_device() { return open_and_close("/dev/mem", O_RDONLY); }
std::string terminal() { return open_and_close("/dev/tty", O_RDWR); }
std::string kernel_log() { return outcome(klogctl(10, nullptr, 0), "the size of the kernel's log"); }
std::string stat_file() {
  struct stat status{};
  return outcome(stat("/etc/passwd", &status), "stat");
}
std::string rename_file() { return outcome(rename("/etc/hostname", "/etc/hostname"), "rename"); }
std::string make_node() {
  return outcome(mknod("/tmp/dcp-node", S_IFIFO | 0600, 0) | unlink("/tmp/dcp-node"), "mknod");
}
std::string by_handle() {
  alignas(file_handle) char bytes[sizeof(file_handle) + 8] = {};
  auto* handle = reinterpret_cast<file_handle*>(bytes);
  handle->handle_bytes = 8;
  const int fd = open_by_handle_at(AT_FDCWD, handle, O_RDONLY);
  return fd < 0 && errno == ESTALE ? "SUCCEEDED: handles are looked up" : outcome(fd, "a handle");
}
std::string watch_files() {
  const int fd = inotify_init1(IN_CLOEXEC);
  const std::string text = outcome(fd < 0 ? -1 : inotify_add_watch(fd, "/etc", IN_ALL_EVENTS), "a watch");
  if (fd >= 0) close(fd);
  return text;
}

std::string socket_inet() { return new_socket(AF_INET, SOCK_STREAM); }
std::string socket_inet6() { return new_socket(AF_INET6, SOCK_DGRAM); }
std::string socket_unix() { return new_socket(AF_UNIX, SOCK_STREAM); }
std::string socket_netlink() { return new_socket(AF_NETLINK, SOCK_RAW); }
std::string socket_packet() { return new_socket(AF_PACKET, SOCK_RAW); }
std::string socket_vsock() { return new_socket(AF_VSOCK, SOCK_STREAM); }
std::string abstract_socket() {
  sockaddr_un where{AF_UNIX, {}};
  std::memcpy(where.sun_path, "\0dcp-attack", 11);
  const int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  const long result = fd < 0 ? -1 : bind(fd, reinterpret_cast<sockaddr*>(&where), offsetof(sockaddr_un, sun_path) + 11);
  const std::string text = outcome(result, "an abstract name");
  if (fd >= 0) close(fd);
  return text;
}
/// Through a socket that it has: descriptors up to 64 that are sockets are sent elsewhere.
std::string redirect_socket() {
  sockaddr_un where{AF_UNIX, {}};
  std::memcpy(where.sun_path, "\0dcp-listener", 13);
  errno = ENOTSOCK;
  for (int fd = 0; fd < 64; ++fd) {
    const auto* address = reinterpret_cast<sockaddr*>(&where);
    if (connect(fd, address, offsetof(sockaddr_un, sun_path) + 13) == 0) return "SUCCEEDED: a channel is redirected";
    if (errno == EBADF) errno = ENOTSOCK;
  }
  return outcome(-1);
}
std::string socket_pair() {
  int ends[2];
  const std::string text = outcome(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, ends), "a pair");
  if (text.starts_with('S')) {
    close(ends[0]);
    close(ends[1]);
  }
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

std::string bind_mount() {
  return outcome(mount("/dev", "/dev", nullptr, MS_BIND, nullptr) | umount2("/dev", MNT_DETACH), "mount");
}
std::string new_mount() { return outcome(syscall(SYS_fsopen, "tmpfs", 0), "fsopen"); }
std::string clone_tree() { return outcome(syscall(SYS_open_tree, AT_FDCWD, "/", 1), "open_tree"); }
std::string change_root() { return outcome(chroot("/"), "chroot"); }
std::string leave_namespaces() { return outcome(unshare(CLONE_NEWUSER), "unshare"); }
std::string enter_namespace() { return outcome(setns(0, 0), "setns"); }
std::string host_name() {
  char name[65] = {};  // stays as it is
  (void)gethostname(name, sizeof name - 1);
  return outcome(sethostname(name, std::strlen(name)), "sethostname");
}
std::string become_root() { return outcome(setresuid(0, 0, 0), "root"); }
std::string leave_groups() { return outcome(setgroups(0, nullptr), "setgroups"); }
std::string set_clock() {
  timex change{};  // reads; setting differs by one bit
  return outcome(adjtimex(&change), "adjtimex");
}
std::string raise_limit() {
  rlimit limit{};
  (void)getrlimit(RLIMIT_CORE, &limit);
  limit.rlim_max = limit.rlim_cur = RLIM_INFINITY;
  return outcome(setrlimit(RLIMIT_CORE, &limit), "core dumps");
}

std::string keyring() {
  return outcome(syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_USER_KEYRING, 1), "keyctl");
}
std::string add_key() {
  return outcome(syscall(SYS_add_key, "user", "dcp", "x", 1, KEY_SPEC_PROCESS_KEYRING), "add_key");
}
std::string io_uring() {
  char parameters[120] = {};
  return outcome(syscall(SYS_io_uring_setup, 1, parameters), "io_uring");
}
std::string load_bpf() {
  bpf_attr attributes{};
  attributes.map_type = BPF_MAP_TYPE_ARRAY;
  attributes.key_size = attributes.value_size = 4;
  attributes.max_entries = 1;
  return outcome(syscall(SYS_bpf, BPF_MAP_CREATE, &attributes, sizeof attributes), "a map");
}
std::string perf() {
  perf_event_attr attributes{};
  attributes.size = sizeof attributes;
  attributes.type = PERF_TYPE_SOFTWARE;
  attributes.exclude_kernel = 1;
  return outcome(syscall(SYS_perf_event_open, &attributes, 0, -1, -1, 0), "a counter");
}
std::string user_faults() { return outcome(syscall(SYS_userfaultfd, O_CLOEXEC | 1), "userfaultfd"); }
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
/// More than the limit that every process has.
std::string lock_memory() {
  constexpr std::size_t size = std::size_t{32} << 20;
  void* memory = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return outcome(mlock(memory, size), "32 MiB are locked");
}
std::string change_mode() { return outcome(chmod("/dev/null", 0666), "the mode of a device"); }
std::string give_away() { return outcome(chown("/dev/null", geteuid(), getegid()), "the owner of a device"); }
/// The folders of the machine's own root, not of a view.
std::string list_root() {
  DIR* folder = opendir("/");
  if (folder == nullptr) return outcome(-1);
  std::string found;
  while (const dirent* entry = readdir(folder)) {
    if (std::string_view(entry->d_name) == "home" || std::string_view(entry->d_name) == "root") found = entry->d_name;
  }
  closedir(folder);
  errno = ENOENT;
  return outcome(found.empty() ? -1 : 0, "the machine's root is listed");
}
std::string display_device() { return open_and_close("/dev/dri/card0", O_RDWR); }
std::string change_personality() { return outcome(personality(0xFFFFFFFF), "personality"); }
std::string shared_segment() {
  const int id = shmget(IPC_PRIVATE, 4096, IPC_CREAT | 0600);
  if (id >= 0) (void)shmctl(id, IPC_RMID, nullptr);
  return outcome(id, "a segment of System V");
}

std::string map_code() {
  const void* page = mmap(nullptr, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return outcome(page == MAP_FAILED ? -1 : 0, "a page of code");
}
std::string map_file_as_code() {
  const int fd = memfd_create("attack", MFD_CLOEXEC);
  if (fd < 0 || ftruncate(fd, 4096) != 0) return outcome(-1);
  const void* page = mmap(nullptr, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
  close(fd);
  return outcome(page == MAP_FAILED ? -1 : 0, "a file of its own as code");
}
std::string write_code() {
  void* page = mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (page == MAP_FAILED) return outcome(-1);
  return outcome(mprotect(page, 4096, PROT_READ | PROT_WRITE | PROT_EXEC), "code that can be written");
}
/// As wasmtime does with what was compiled.
std::string make_code() {
  void* page = mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (page == MAP_FAILED) return outcome(-1);
  return outcome(mprotect(page, 4096, PROT_READ | PROT_EXEC), "code that it has written");
}
/// As V8 does where the processor has protection keys.
std::string make_code_with_key() {
  void* page = mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (page == MAP_FAILED) return outcome(-1);
  return outcome(syscall(SYS_pkey_mprotect, page, 4096, PROT_READ | PROT_EXEC, -1), "code with a protection key");
}

std::string be_dumpable() { return outcome(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0), "dumpable"); }
std::string outlive_parent() { return outcome(prctl(PR_SET_PDEATHSIG, 0, 0, 0, 0), "no parent-death signal"); }
std::string be_subreaper() { return outcome(prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), "subreaper"); }
std::string allow_tracers() { return outcome(prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0), "PR_SET_PTRACER"); }
std::string own_filter() { return outcome(syscall(SYS_seccomp, 0, 0, nullptr), "strict seccomp"); }

/// All of descriptors 0 to 1023 that are a terminal take a character.
std::string feed_terminal() {
  char letter = 'x';
  errno = ENOTTY;
  for (int fd = 0; fd < 3; ++fd) {
    if (ioctl(fd, TIOCSTI, &letter) == 0) return "SUCCEEDED: the terminal is fed";
  }
  return outcome(-1);
}
/// A descriptor that leads to a file, a folder, a device other than /dev/null or a terminal.
std::string inherited_descriptors() {
  for (int fd = 0; fd < 1024; ++fd) {
    struct stat status{};
    if (fstat(fd, &status) != 0) continue;
    const std::string where = std::to_string(fd);
    if (S_ISDIR(status.st_mode) || S_ISBLK(status.st_mode)) return "SUCCEEDED: a folder or disk is open at " + where;
    // Of those without a name in the file system, as memfds, there is no link.
    if (S_ISREG(status.st_mode) && status.st_nlink != 0) return "SUCCEEDED: a file is open at " + where;
    if (S_ISCHR(status.st_mode) && status.st_rdev != makedev(1, 3)) return "SUCCEEDED: a device is open at " + where;
  }
  return "refused: none is open";
}

#ifdef __x86_64__
/// The calls of 32-bit programs have other numbers: a filter that does not look at the architecture lets them pass.
std::string foreign_architecture() {
  long result = 0;
  asm volatile("int $0x80" : "=a"(result) : "a"(20) : "memory");  // getpid
  return result > 0 ? "SUCCEEDED: a 32-bit call" : "refused: " + std::to_string(result);
}
std::string foreign_numbers() { return outcome(syscall(0x40000000 + SYS_getpid), "a call of x32"); }
#endif

struct Attack {
  const char* name;
  std::string (*carry_out)();
};

#define ATTACK(function) {#function, function}
constexpr Attack kAttacks[] = {ATTACK(read_file),
                               ATTACK(write_file),
                               ATTACK(list_home),
                               ATTACK(list_tmp),
                               ATTACK(proc_self_mem),
                               ATTACK(proc_self_maps),
                               ATTACK(proc_environment),
                               ATTACK(proc_kernel),
                               ATTACK(memory_device),
                               ATTACK(terminal),
                               ATTACK(kernel_log),
                               ATTACK(stat_file),
                               ATTACK(rename_file),
                               ATTACK(make_node),
                               ATTACK(by_handle),
                               ATTACK(watch_files),
                               ATTACK(socket_inet),
                               ATTACK(socket_inet6),
                               ATTACK(socket_unix),
                               ATTACK(socket_netlink),
                               ATTACK(socket_packet),
                               ATTACK(socket_vsock),
                               ATTACK(abstract_socket),
                               ATTACK(redirect_socket),
                               ATTACK(socket_pair),
                               ATTACK(make_process),
                               ATTACK(make_sharing_process),
                               ATTACK(make_user_namespace),
                               ATTACK(clone3),
                               ATTACK(many_threads),
                               ATTACK(execute),
                               ATTACK(execute_memory),
                               ATTACK(trace_me),
                               ATTACK(trace_parent),
                               ATTACK(signal_parent),
                               ATTACK(signal_all),
                               ATTACK(signal_thread),
                               ATTACK(queue_signal),
                               ATTACK(process_descriptor),
                               ATTACK(read_process),
                               ATTACK(write_process),
                               ATTACK(own_descriptor),
                               ATTACK(bind_mount),
                               ATTACK(new_mount),
                               ATTACK(clone_tree),
                               ATTACK(change_root),
                               ATTACK(leave_namespaces),
                               ATTACK(enter_namespace),
                               ATTACK(host_name),
                               ATTACK(become_root),
                               ATTACK(leave_groups),
                               ATTACK(set_clock),
                               ATTACK(raise_limit),
                               ATTACK(keyring),
                               ATTACK(add_key),
                               ATTACK(io_uring),
                               ATTACK(load_bpf),
                               ATTACK(perf),
                               ATTACK(user_faults),
                               ATTACK(pin_thread),
                               ATTACK(change_scheduler),
                               ATTACK(lock_memory),
                               ATTACK(change_mode),
                               ATTACK(give_away),
                               ATTACK(list_root),
                               ATTACK(display_device),
                               ATTACK(change_personality),
                               ATTACK(shared_segment),
                               ATTACK(map_code),
                               ATTACK(map_file_as_code),
                               ATTACK(write_code),
                               ATTACK(make_code),
                               ATTACK(make_code_with_key),
                               ATTACK(be_dumpable),
                               ATTACK(outlive_parent),
                               ATTACK(be_subreaper),
                               ATTACK(allow_tracers),
                               ATTACK(own_filter),
                               ATTACK(feed_terminal),
                               ATTACK(inherited_descriptors),
#ifdef __x86_64__
                               ATTACK(foreign_architecture),
                               ATTACK(foreign_numbers)
#endif
};

}  // namespace

std::string carry_out(std::string_view name) {
  for (const Attack& attack : kAttacks) {
    if (name == attack.name) return attack.carry_out();
  }
  return "unknown";
}

std::vector<std::string> names() {
  std::vector<std::string> found;
  for (const Attack& attack : kAttacks) found.emplace_back(attack.name);
  return found;
}

}  // namespace dcp::attacks
