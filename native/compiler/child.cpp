#include "compiler/child.hpp"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "isolation/rlimits.hpp"

namespace dcp::compiler {

namespace {

double seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
}

void close_all_but(std::vector<int> kept) {
  std::ranges::sort(kept);
  unsigned from = STDERR_FILENO + 1;
  for (const int fd : kept) {
    const auto number = static_cast<unsigned>(fd);
    if (number > from) (void)syscall(__NR_close_range, from, number - 1, 0u);
    from = std::max(from, number + 1);
  }
  (void)syscall(__NR_close_range, from, ~0u, 0u);
}

}  // namespace

Child::~Child() {
  if (process_ <= 0 || end_) return;
  (void)::kill(process_, SIGKILL);
  while (waitpid(process_, nullptr, 0) < 0 && errno == EINTR) continue;
}

ipc::Received Child::receive(ipc::Packet& answer, std::size_t most) {
  const ipc::Received state = ipc::receive_packet(channel_.get(), answer, most, MSG_DONTWAIT);
  // One that has ended keeps its status.
  if (state != ipc::Received::nothing) kill();
  return state;
}

void Child::kill() {
  channel_ = ipc::Descriptor();
  (void)::kill(process_, SIGKILL);
}

std::optional<Child::End> Child::reap() {
  int status = 0;
  rusage used{};
  if (!end_ && wait4(process_, &status, WNOHANG, &used) == process_) {
    end_ = End{status, seconds(used.ru_utime) + seconds(used.ru_stime)};
  }
  return end_;
}

Child fork_task(std::vector<int> needed, const std::function<void(int channel)>& work) {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
    throw std::system_error(errno, std::generic_category(), "socketpair");
  }
  const pid_t process = fork();
  if (process == 0) {
    needed.push_back(ends[1]);
    close_all_but(std::move(needed));
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    (void)prctl(PR_SET_NAME, "dcp-module", 0, 0, 0);
    (void)isolation::end_first_without_memory();
    work(ends[1]);
    _exit(0);
  }
  const int error = errno;
  close(ends[1]);
  if (process < 0) {
    close(ends[0]);
    throw std::system_error(error, std::generic_category(), "fork");
  }
  return Child(process, ends[0]);
}

}  // namespace dcp::compiler
