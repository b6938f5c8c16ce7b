#include "isolation/priority.hpp"

#include <fcntl.h>
#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <thread>

namespace dcp::isolation {
namespace {

constexpr int kLeast = 19;
constexpr std::string_view kLeastText = "19";
constexpr auto kPause = std::chrono::milliseconds(10);
constexpr int kMostTries = 50;

/// Nothing is to be done where the kernel has no autogroups.
Failure lower_session() {
  const int fd = open("/proc/self/autogroup", O_WRONLY | O_CLOEXEC);
  if (fd < 0) return errno == ENOENT ? Failure{} : failed("open /proc/self/autogroup");
  bool written = false;
  for (int tries = 0; !written; ++tries) {
    written = write(fd, kLeastText.data(), kLeastText.size()) >= 0;
    if (written || errno != EAGAIN || tries == kMostTries) break;
    std::this_thread::sleep_for(kPause);
  }
  const int error = errno;
  close(fd);
  return written ? Failure{} : failed("write /proc/self/autogroup", error);
}

}  // namespace

std::optional<Priority> parse_priority(std::string_view text) {
  if (text == "normal") return Priority::normal;
  if (text == "low") return Priority::low;
  if (text == "idle") return Priority::idle;
  return std::nullopt;
}

Failure take_priority(Priority priority) {
  if (priority == Priority::normal) return {};
  if (setpriority(PRIO_PROCESS, 0, kLeast) != 0) return failed("setpriority");
  if (priority == Priority::idle) {
    const sched_param none{};
    if (sched_setscheduler(0, SCHED_IDLE, &none) != 0) return failed("SCHED_IDLE");
  }
  return getsid(0) == getpid() ? lower_session() : Failure{};
}

}  // namespace dcp::isolation
