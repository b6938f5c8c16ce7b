#include "isolation/prctl.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

namespace dcp::isolation {

Failure own_session() {
  if (getsid(0) == getpid()) return {};
  return setsid() >= 0 ? Failure{} : failed("setsid");
}

bool leads_quiet_session() {
  if (getsid(0) != getpid()) return false;
  const int terminal = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
  const bool none = terminal < 0 && errno == ENXIO;
  if (terminal >= 0) close(terminal);
  return none;
}

Failure own_process_group() { return setpgid(0, 0) == 0 ? Failure{} : failed("setpgid"); }

Failure no_new_privs() {
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 ? Failure{} : failed("PR_SET_NO_NEW_PRIVS");
}

Failure not_dumpable() { return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0 ? Failure{} : failed("PR_SET_DUMPABLE"); }

Failure die_with_parent() {
  return prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) == 0 ? Failure{} : failed("PR_SET_PDEATHSIG");
}

}  // namespace dcp::isolation
