#include "gpu/watchdog.hpp"

#include <utility>

namespace dcp::gpu {

Watchdog::Watchdog(std::chrono::milliseconds longest, std::function<void()> expired)
    : longest_(longest), expired_(std::move(expired)), thread_([this] { run(); }) {}

Watchdog::~Watchdog() {
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
    changed_.notify_all();
  }
  thread_.join();
}

void Watchdog::begin() {
  const std::lock_guard lock(mutex_);
  since_ = Clock::now();
  busy_ = true;
  // A thread that sleeps until an earlier deadline looks again then.
  if (without_deadline_) changed_.notify_all();
}

void Watchdog::end() {
  const std::lock_guard lock(mutex_);
  busy_ = false;
}

void Watchdog::run() {
  std::unique_lock lock(mutex_);
  while (!stopped_) {
    if (!busy_) {
      without_deadline_ = true;
      changed_.wait(lock);
      without_deadline_ = false;
    } else if (Clock::now() < since_ + longest_) {
      changed_.wait_until(lock, since_ + longest_);
    } else {
      lock.unlock();
      return expired_();
    }
  }
}

}  // namespace dcp::gpu
