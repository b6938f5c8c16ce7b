// One thread, poll(2): descriptors, one timer, and the count of what is still awaited.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>

namespace dcp::runtime {

class EventLoop {
 public:
  using Callback = std::function<void()>;

  /// Calls `ready` whenever `fd` is readable or hung up. One callback a descriptor.
  void watch(int fd, Callback ready);
  void unwatch(int fd);
  /// Asks `is_due` before each sleep whether the callback of `fd` is to be called though nothing has come there; null:
  /// no more.
  void look(int fd, std::function<bool()> is_due);
  /// Calls the callback of `fd` once more in the next turn, though nothing may have come: it left work for later.
  void again(int fd) { again_.insert(fd); }

  /// The one timer: `due` is called once the monotonic clock reaches `deadline_ms`; nothing: no timer.
  void set_timer(std::optional<double> deadline_ms) { deadline_ms_ = deadline_ms; }
  void on_timer(Callback due) { due_ = std::move(due); }
  bool has_timer() const { return deadline_ms_.has_value(); }

  /// The next turn's `between` runs by then at the latest, for what is no callback of this loop; nothing: no such time.
  void wake_at(std::optional<double> wake_ms) { wake_ms_ = wake_ms; }

  /// Something outside JavaScript (a GPU reply) will call back: keeps a shell from ending.
  void add_pending(int count) { pending_ += count; }
  int pending() const { return pending_; }

  /// Waits for one batch of events and delivers it; `between` runs after every callback (microtasks).
  void run_once(const Callback& between);
  void stop() { stopped_ = true; }
  bool stopped() const { return stopped_; }

 private:
  std::map<int, Callback> watched_;
  int looked_at_ = -1;
  std::function<bool()> is_due_;
  std::set<int> again_;
  std::optional<double> deadline_ms_;
  std::optional<double> wake_ms_;
  Callback due_;
  int pending_ = 0;
  bool stopped_ = false;
};

/// Milliseconds of CLOCK_MONOTONIC, with a fraction.
double monotonic_ms();

}  // namespace dcp::runtime
