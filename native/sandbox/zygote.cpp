#include "sandbox/zygote.hpp"

#include <signal.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <stdexcept>

namespace dcp::sandbox {
namespace {

int child_ended = -1;  // an eventfd

void on_child(int) {
  const int error = errno;
  (void)eventfd_write(child_ended, 1);
  errno = error;
}

/// Not a signalfd: where Node has threads of its own, the signal may go to one of them and be lost.
Descriptor watch_children() {
  Descriptor fd(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!fd) throw std::runtime_error(std::string("eventfd: ") + std::strerror(errno));
  child_ended = fd.get();
  struct sigaction action{};
  action.sa_handler = on_child;
  action.sa_flags = SA_RESTART | SA_NOCLDSTOP;
  (void)sigaction(SIGCHLD, &action, nullptr);
  return fd;
}

// A new spare is made when nothing has happened for this long: not while the last one answers its first message. Where
// that was the last spare, the next connection would wait for longer.
constexpr std::chrono::milliseconds kRefillDelay{3};

std::string status_text(int status) {
  if (WIFSIGNALED(status)) return "signal " + std::to_string(WTERMSIG(status));
  return "exit " + std::to_string(WEXITSTATUS(status));
}

/// KiB of memory that is no file's; 0 where it is not known.
long anonymous_memory() {
  std::FILE* file = std::fopen("/proc/self/statm", "re");
  if (file == nullptr) return 0;
  long resident = 0, files = 0;
  const int found = std::fscanf(file, "%*d %ld %ld", &resident, &files);
  std::fclose(file);
  return found == 2 ? (resident - files) * (sysconf(_SC_PAGESIZE) / 1024) : 0;
}

/// CPU time in microseconds, and KiB that it had beyond the zygote's.
std::string use_text(const rusage& use, long shared) {
  const auto microseconds = [](const timeval& time) { return time.tv_sec * 1'000'000LL + time.tv_usec; };
  return std::to_string(microseconds(use.ru_utime) + microseconds(use.ru_stime)) + " " +
         std::to_string(std::max(use.ru_maxrss - shared, 0L));
}

}  // namespace

Zygote::Zygote(ControlSocket& control, Spawner& spawner, bool half_close_ends)
    : control_(control),
      spawner_(spawner),
      half_close_ends_(half_close_ends),
      children_(watch_children()),
      own_memory_(anonymous_memory()) {}

void Zygote::run() {
  while (!closed_) {
    wait();
    reap();
    end_abandoned();
    take_requests();
    control_.send_queued();
  }
  end_all();
}

int Zygote::wait_ms() const {
  const auto now = Clock::now();
  std::optional<Clock::time_point> first;
  if (spawner_.needs_refill()) first = spawner_.has_spare() ? now + kRefillDelay : now;
  for (const auto& [id, running] : running_) {
    const auto deadline = running.peer.deadline();
    if (deadline && (!first || *deadline < *first)) first = deadline;
  }
  if (!first) return -1;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(*first - now).count();
  return static_cast<int>(std::max<decltype(left)>(left, 0));
}

void Zygote::wait() {
  const short interest =
      static_cast<short>((control_.accepts_requests() ? POLLIN : 0) | (control_.has_queued() ? POLLOUT : 0));
  polled_.clear();
  polled_.push_back({control_.fd(), interest, 0});
  polled_.push_back({children_.get(), POLLIN, 0});
  watched_.clear();
  for (auto& [id, running] : running_) {
    const std::size_t before = polled_.size();
    running.peer.add_to(polled_);
    watched_.emplace_back(&running.peer, polled_.size() - before);
  }

  const int ready = poll(polled_.data(), polled_.size(), wait_ms());
  if (ready == 0 && spawner_.needs_refill()) spawner_.refill();
  if (ready <= 0) return;
  const auto now = Clock::now();
  std::size_t at = 2;
  for (const auto& [peer, count] : watched_) {
    for (std::size_t i = 0; i < count; ++i) peer->notice(polled_[at++], now);
  }
}

void Zygote::take_requests() {
  while (!closed_ && control_.accepts_requests()) {
    ipc::Packet message;
    const ipc::Received state = control_.receive(message);
    if (state == ipc::Received::nothing) return;
    if (state == ipc::Received::closed) {
      closed_ = true;
    } else {
      handle(std::move(message));
    }
  }
}

void Zygote::handle(ipc::Packet message) {
  const Request request = parse_request(message);
  switch (request.kind) {
    case Request::Kind::bad:
      control_.send("refused " + request.id + " " + request.reason);
      break;
    case Request::Kind::spawn:
      spawn(request.id, message);
      break;
    case Request::Kind::kill:
      // Not reaped yet, so its process id cannot belong to another. An unknown ID has ended before, which was told.
      if (const auto found = running_.find(request.id); found != running_.end()) {
        (void)kill(found->second.process, SIGKILL);
      }
      break;
  }
}

void Zygote::spawn(const std::string& id, ipc::Packet& message) {
  if (running_.contains(id)) {
    control_.send("refused " + id + " a sandbox with this ID is running");
    return;
  }
  auto& given = message.descriptors;
  try {
    const pid_t process = spawner_.spawn({given[0].get(), given[1].get(), given[2].get()});
    control_.send("spawned " + id + " " + std::to_string(process));
    running_.emplace(id, Running{process, HangUp(std::move(given[0]), std::move(given[1]), half_close_ends_)});
  } catch (const SpawnError& error) {
    control_.send("refused " + id + " " + error.what());
  }
}

void Zygote::reap() {
  eventfd_t ignored;
  (void)eventfd_read(children_.get(), &ignored);
  int status = 0;
  rusage use{};
  for (pid_t process; (process = wait4(-1, &status, WNOHANG, &use)) > 0;) {
    if (spawner_.forget(process)) continue;
    const auto found = std::find_if(running_.begin(), running_.end(),
                                    [&](const auto& entry) { return entry.second.process == process; });
    if (found == running_.end()) continue;
    control_.send("exited " + found->first + " " + status_text(status) + " " + use_text(use, own_memory_));
    running_.erase(found);
  }
}

void Zygote::end_abandoned() {
  const auto now = Clock::now();
  for (auto& [id, running] : running_) {
    if (running.peer.due(now)) (void)kill(running.process, SIGKILL);
  }
}

void Zygote::end_all() {
  spawner_.kill_spares();
  for (const auto& [id, running] : running_) (void)kill(running.process, SIGKILL);
  while (waitpid(-1, nullptr, 0) > 0 || errno == EINTR) continue;
  running_.clear();
}

}  // namespace dcp::sandbox
