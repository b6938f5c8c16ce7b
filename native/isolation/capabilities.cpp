#include "isolation/capabilities.hpp"

#include <linux/capability.h>
#include <linux/securebits.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace dcp::isolation {
namespace {

using Sets = __user_cap_data_struct[_LINUX_CAPABILITY_U32S_3];

__user_cap_header_struct header() { return {_LINUX_CAPABILITY_VERSION_3, 0}; }

}  // namespace

Failure drop_capabilities() {
  // The bounding set and the secure bits need CAP_SETPCAP. Without it they matter to execve(2) only, which
  // no_new_privs and seccomp cover.
  for (int capability = 0; prctl(PR_CAPBSET_READ, capability, 0, 0, 0) >= 0; ++capability) {
    if (prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) != 0) break;
  }
  (void)prctl(PR_SET_SECUREBITS, SECURE_ALL_BITS | SECURE_ALL_LOCKS, 0, 0, 0);
  (void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
  __user_cap_header_struct head = header();
  const Sets none = {};
  if (syscall(SYS_capset, &head, none) != 0) return failed("capset");
  return has_no_capabilities() ? Failure{} : Failure{"capabilities remain after capset"};
}

bool has_no_capabilities() {
  __user_cap_header_struct head = header();
  Sets sets = {};
  if (syscall(SYS_capget, &head, sets) != 0) return false;
  for (const auto& set : sets) {
    if ((set.effective | set.permitted | set.inheritable) != 0) return false;
  }
  return true;
}

bool may_administer() {
  __user_cap_header_struct head = header();
  Sets sets = {};
  return syscall(SYS_capget, &head, sets) == 0 && (sets[0].effective & 1u << CAP_SYS_ADMIN) != 0;
}

}  // namespace dcp::isolation
