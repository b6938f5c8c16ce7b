#include "isolation/verify_checks.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "isolation/capabilities.hpp"

namespace dcp::isolation {

Failure try_user() {
  if (getuid() == 0 || geteuid() == 0) return "runs as root";
  // EINVAL in a user namespace, where 0 is no id at all; EPERM without.
  return setresuid(0, 0, 0) != 0 ? Failure{} : Failure{"setresuid(0) succeeded"};
}

Failure try_score() {
  char score[8] = {};
  const int fd = open("/proc/self/oom_score_adj", O_RDONLY | O_CLOEXEC);
  if (fd < 0 || read(fd, score, sizeof score - 1) <= 0) return failed("reading /proc/self/oom_score_adj");
  return std::string_view(score) == "1000\n" ? Failure{} : Failure{"it is " + std::string(score)};
}

Failure try_capabilities() {
  if (!has_no_capabilities()) return "capabilities are left";
  return expect_refusal("chroot", chroot(".") == 0, EPERM);
}

Failure try_no_new_privs() { return prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 ? Failure{} : Failure{"not set"}; }

Failure try_dumpable() { return prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0 ? Failure{} : Failure{"still dumpable"}; }

Failure try_descriptor_limit(int fd, unsigned most) {
  unsigned open_ones = 0;
  while (open_ones <= most && dup(fd) >= 0) ++open_ones;
  return open_ones <= most ? Failure{} : Failure{"more descriptors than allowed can be opened"};
}

Failure try_seccomp(std::span<const RefusedAttempt> attempts) {
  for (const RefusedAttempt& attempt : attempts) {
    if (attempt.succeeds()) return std::string(attempt.what) + " succeeded";
  }
  (void)ptrace(PTRACE_TRACEME, 0, nullptr, nullptr);
  return "ptrace did not end the process";
}

bool was_killed_by_filter(const Ended& ended) { return WIFSIGNALED(ended.status) && WTERMSIG(ended.status) == SIGSYS; }

}  // namespace dcp::isolation
