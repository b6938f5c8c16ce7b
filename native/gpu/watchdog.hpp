// Tells when the GPU has worked on one submission for too long. A thread that sleeps until the deadline; submissions
// only move the deadline.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

namespace dcp::gpu {

class Watchdog {
 public:
  using Clock = std::chrono::steady_clock;

  /// `expired` is called once, on the watchdog's thread, which lives as long as this.
  Watchdog(std::chrono::milliseconds longest, std::function<void()> expired);
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;
  ~Watchdog();

  /// The GPU begins something now: the first submission, or the next one after another is complete.
  void begin();
  /// Nothing is left to wait for.
  void end();

 private:
  void run();

  const std::chrono::milliseconds longest_;
  const std::function<void()> expired_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool busy_ = false;
  bool without_deadline_ = false;  // the thread sleeps until it is told
  bool stopped_ = false;
  Clock::time_point since_;
  std::thread thread_;
};

}  // namespace dcp::gpu
