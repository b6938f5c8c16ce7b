// How long to look for an event again and again before sleeping until it comes: as long as that has lately paid.
//
// Waking a process takes longer than many an answer. So a wait that ended soon makes the next look longer, and one that
// took long makes it shorter: who waits for long uses no processor. Looking yields to whoever wants to run, and ends
// where somebody does.
#pragma once

#include <sched.h>

#include <algorithm>
#include <chrono>
#include <utility>

namespace dcp::ipc {

class Patience {
 public:
  using Clock = std::chrono::steady_clock;
  static constexpr std::chrono::nanoseconds kMost = std::chrono::microseconds(250);

  /// True as soon as `has_come` says so; false: sleep, and call slept() then.
  template <typename HasCome>
  bool look(HasCome&& has_come) {
    if (has_come()) return true;
    begun_ = Clock::now();
    for (Clock::time_point now = begun_; now < begun_ + longest_;) {
      sched_yield();
      if (has_come()) return true;
      const Clock::time_point before = std::exchange(now, Clock::now());
      if (now - before > kCrowded) longest_ = {};
    }
    return false;
  }

  /// What look() was for has come after a sleep.
  void slept() {
    const auto waited = Clock::now() - begun_;
    longest_ = waited < kMost ? std::clamp(2 * longest_, kLeast, kMost) : longest_ / 2;
    if (longest_ < kLeast) longest_ = {};
  }

  /// For how long look() looks at most.
  std::chrono::nanoseconds longest() const { return longest_; }

 private:
  static constexpr std::chrono::nanoseconds kLeast = std::chrono::microseconds(10);
  static constexpr std::chrono::nanoseconds kCrowded = std::chrono::microseconds(30);

  Clock::time_point begun_{};
  std::chrono::nanoseconds longest_{};
};

}  // namespace dcp::ipc
