#include "gpu/busy_clock.hpp"

#include <time.h>

namespace dcp::gpu {

std::uint64_t monotonic_ns() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000u + static_cast<std::uint64_t>(now.tv_nsec);
}

void BusyClock::begin() {
  const std::lock_guard lock(mutex_);
  if (outstanding_++ != 0) return;
  since_ = monotonic_ns();
  header_.busy_since_ns.store(since_, std::memory_order_release);
}

void BusyClock::end() {
  const std::lock_guard lock(mutex_);
  if (--outstanding_ != 0) return;
  total_ += monotonic_ns() - since_;
  header_.busy_since_ns.store(0, std::memory_order_release);
  header_.busy_ns.store(total_, std::memory_order_release);
  tell_(total_);
}

}  // namespace dcp::gpu
