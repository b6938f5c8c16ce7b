#include "isolation/rlimits.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <cstdio>

namespace dcp::isolation {
namespace {

Failure set(__rlimit_resource resource, const char* name, rlim_t most) {
  rlimit limit{};
  if (getrlimit(resource, &limit) != 0) return failed(std::string("getrlimit ") + name);
  if (limit.rlim_max < most) most = limit.rlim_max;
  limit.rlim_cur = limit.rlim_max = most;
  return setrlimit(resource, &limit) == 0 ? Failure{} : failed(std::string("setrlimit ") + name);
}

/// Private writable memory of this process in bytes, the figure that RLIMIT_DATA bounds; 0 where it is not known.
std::size_t data_size() {
  std::FILE* file = std::fopen("/proc/self/statm", "re");
  if (file == nullptr) return 0;
  unsigned long long pages = 0;
  const int found = std::fscanf(file, "%*u %*u %*u %*u %*u %llu", &pages);
  std::fclose(file);
  return found == 1 ? static_cast<std::size_t>(pages) * static_cast<std::size_t>(sysconf(_SC_PAGESIZE)) : 0;
}

/// RLIMIT_DATA, not RLIMIT_AS: a WebAssembly memory reserves 4 GiB of addresses whatever it uses. Shared mappings
/// (memfds) are not counted there; RLIMIT_FSIZE bounds each of them.
Failure limit_memory(std::size_t memory, std::size_t file) {
  if (memory == 0) return {};
  const std::size_t data = data_size();
  if (data == 0) return "/proc/self/statm cannot be read, so the memory limit is the engine's only";
  constexpr std::size_t margin = std::size_t{64} << 20;  // native memory of the runtime beside the limited heap
  if (Failure failure = set(RLIMIT_DATA, "DATA", data + memory + margin); !failure.empty()) return failure;
  (void)signal(SIGXFSZ, SIG_IGN);  // the system call then fails with EFBIG
  return set(RLIMIT_FSIZE, "FSIZE", file == 0 ? memory : file);
}

bool kernel_is_at_least(unsigned major, unsigned minor) {
  utsname names{};
  unsigned found_major = 0, found_minor = 0;
  if (uname(&names) != 0 || std::sscanf(names.release, "%u.%u", &found_major, &found_minor) != 2) return false;
  return found_major > major || (found_major == major && found_minor >= minor);
}

}  // namespace

Failure end_first_without_memory() {
  constexpr char most[] = "1000";
  const int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
  if (fd < 0) return failed("open /proc/self/oom_score_adj");
  const bool written = write(fd, most, sizeof most - 1) == sizeof most - 1;
  const int error = errno;
  close(fd);
  return written ? Failure{} : failed("write /proc/self/oom_score_adj", error);
}

Failure limit_threads(unsigned most, bool own_user_namespace) {
  if (!own_user_namespace || !kernel_is_at_least(5, 14)) return "threads are not counted for this process alone";
  return set(RLIMIT_NPROC, "NPROC", most);
}

void allow_all_descriptors() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  (void)setrlimit(RLIMIT_NOFILE, &limit);
}

Failure limit_resources(const Limits& limits) {
  struct Fixed {
    __rlimit_resource resource;
    const char* name;
    rlim_t most;
  };
  const Fixed fixed[] = {
      {RLIMIT_CORE, "CORE", 0},
      {RLIMIT_NOFILE, "NOFILE", limits.descriptors},
      {RLIMIT_MEMLOCK, "MEMLOCK", limits.locked},
      {RLIMIT_MSGQUEUE, "MSGQUEUE", 0},
      {RLIMIT_SIGPENDING, "SIGPENDING", 64},
      {RLIMIT_RTPRIO, "RTPRIO", 0},
      {RLIMIT_NICE, "NICE", 0},
  };
  for (const Fixed& each : fixed) {
    if (Failure failure = set(each.resource, each.name, each.most); !failure.empty()) return failure;
  }
  // A limit of other than none would count what else runs under this user id; seccomp admits threads only.
  if (limits.threads <= 1) {
    if (Failure failure = set(RLIMIT_NPROC, "NPROC", 0); !failure.empty()) return failure;
  }
  if (limits.cpu_seconds != 0) {
    if (Failure failure = set(RLIMIT_CPU, "CPU", limits.cpu_seconds); !failure.empty()) return failure;
  }
  if (limits.stack != 0) {
    if (Failure failure = set(RLIMIT_STACK, "STACK", limits.stack); !failure.empty()) return failure;
  }
  return limit_memory(limits.memory, limits.file);
}

}  // namespace dcp::isolation
