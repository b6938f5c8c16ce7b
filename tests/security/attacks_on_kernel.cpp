// Parts of the kernel that no program of ours needs.
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/keyctl.h>
#include <linux/perf_event.h>
#include <sched.h>
#include <sys/klog.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <sys/timex.h>
#include <unistd.h>

#include <cstddef>
#include <cstring>
#include <string>

#include "attack.hpp"

namespace dcp::attacks {
namespace {

std::string kernel_log() { return outcome(klogctl(10, nullptr, 0), "the size of the kernel's log"); }
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
/// More than the limit that every process has.
std::string lock_memory() {
  constexpr std::size_t size = std::size_t{32} << 20;
  void* memory = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return outcome(mlock(memory, size), "32 MiB are locked");
}
std::string change_personality() { return outcome(personality(0xFFFFFFFF), "personality"); }
std::string shared_segment() {
  const int id = shmget(IPC_PRIVATE, 4096, IPC_CREAT | 0600);
  if (id >= 0) (void)shmctl(id, IPC_RMID, nullptr);
  return outcome(id, "a segment of System V");
}
std::string own_filter() { return outcome(syscall(SYS_seccomp, 0, 0, nullptr), "strict seccomp"); }

constexpr Attack kAttacks[] = {
    ATTACK(kernel_log),      ATTACK(bind_mount),  ATTACK(new_mount),
    ATTACK(clone_tree),      ATTACK(change_root), ATTACK(leave_namespaces),
    ATTACK(enter_namespace), ATTACK(host_name),   ATTACK(set_clock),
    ATTACK(raise_limit),     ATTACK(keyring),     ATTACK(add_key),
    ATTACK(io_uring),        ATTACK(load_bpf),    ATTACK(perf),
    ATTACK(user_faults),     ATTACK(lock_memory), ATTACK(change_personality),
    ATTACK(shared_segment),  ATTACK(own_filter),
};

}  // namespace

std::span<const Attack> on_kernel() { return kAttacks; }

}  // namespace dcp::attacks
