#include "runtime/event_loop.hpp"

#include <poll.h>
#include <time.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <system_error>
#include <utility>
#include <vector>

namespace dcp::runtime {

double monotonic_ms() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<double>(now.tv_sec) * 1e3 + static_cast<double>(now.tv_nsec) / 1e6;
}

void EventLoop::watch(int fd, Callback ready) { watched_[fd] = std::move(ready); }

void EventLoop::unwatch(int fd) { watched_.erase(fd); }

void EventLoop::look(int fd, std::function<bool()> is_due) {
  looked_at_ = fd;
  is_due_ = std::move(is_due);
}

void EventLoop::run_once(const Callback& between) {
  if (again_.empty() && is_due_ && is_due_()) again(looked_at_);
  std::vector<pollfd> ready;
  ready.reserve(watched_.size());
  for (const auto& [fd, callback] : watched_) ready.push_back({fd, POLLIN, 0});
  timespec wait = {};
  std::optional<double> until = deadline_ms_;
  if (wake_ms_) until = std::min(until.value_or(*wake_ms_), *wake_ms_);
  const bool waits_for_ever = !until && again_.empty();
  if (until && again_.empty()) {
    const double ms = std::max(0.0, *until - monotonic_ms());
    wait.tv_sec = static_cast<time_t>(std::min(ms / 1e3, 1e9));
    wait.tv_nsec = static_cast<long>(std::fmod(ms, 1e3) * 1e6);
  }
  if (ppoll(ready.data(), ready.size(), waits_for_ever ? nullptr : &wait, nullptr) < 0) {
    if (errno == EINTR) return;
    throw std::system_error(errno, std::generic_category(), "poll");
  }
  const std::set<int> again = std::exchange(again_, {});
  for (const pollfd& entry : ready) {
    if ((entry.revents == 0 && !again.contains(entry.fd)) || stopped_) continue;
    const auto found = watched_.find(entry.fd);
    if (found == watched_.end()) continue;
    const Callback callback = found->second;  // it may unwatch itself
    callback();
    between();
  }
  if (!stopped_ && deadline_ms_ && *deadline_ms_ <= monotonic_ms()) {
    deadline_ms_.reset();
    if (due_) due_();
    between();
  }
  if (!stopped_ && wake_ms_ && *wake_ms_ <= monotonic_ms()) {
    wake_ms_.reset();
    between();
  }
}

}  // namespace dcp::runtime
