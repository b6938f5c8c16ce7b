// Makes progress on one device: a thread that blocks in wgpu-native while something is awaited, and else sleeps.
//
// Waking that thread takes as long as a short submission does. So the thread that carries out commands looks() itself
// while it has nothing else to do, and hands over to this one before it does anything else than to ask for more.
//
// wgpu-core holds its fence while it waits, so that a submission made meanwhile waits too. The thread therefore waits
// only for what somebody awaits (a mapping, onSubmittedWorkDone), and else, for the GPU time, once nothing has been
// submitted for a moment.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "gpu/busy_clock.hpp"
#include "gpu/gpu_timer.hpp"
#include "gpu/visitors.hpp"
#include "gpu/watchdog.hpp"
#include "webgpu_decoder.hpp"

namespace dcp::gpu {

class Poller : public std::enable_shared_from_this<Poller> {
 public:
  using Task = std::function<void()>;

  /// Owns the device's handles: they are released by the thread once stop() was called and the GPU is done, and
  /// `callback_data` after them.
  Poller(const Functions& functions, WGPUDevice device, WGPUQueue queue, BusyClock& clock,
         std::shared_ptr<void> callback_data, std::unique_ptr<Watchdog> watchdog, std::shared_ptr<GpuTimer> timer)
      : functions_(functions),
        device_(device),
        queue_(queue),
        clock_(clock),
        callback_data_(std::move(callback_data)),
        watchdog_(std::move(watchdog)),
        timer_(std::move(timer)) {}

  /// `visit` ends with the thread.
  void start(Visitors::Visit visit);
  /// The thread ends once the GPU is done; what waits for it is answered.
  void stop();
  /// `span`: of the timer, to be read when the submission is complete.
  void submitted(WGPUSubmissionIndex index, std::optional<std::uint32_t> span);
  /// Runs `task` once everything submitted so far is complete, behind the tasks of the mappings that can
  /// end by then.
  void when_done(Task task);
  /// Whether everything submitted is known to be complete.
  bool is_idle();
  /// Waits until everything submitted is complete.
  void wait_until_done();
  /// Runs the tasks of what is complete, on the calling thread, unless the poller's thread has taken over. False: that
  /// has, or nothing is left.
  bool look();
  /// From now on, the poller's thread attends to what was begun, until all of it is complete. Call it, as submitted(),
  /// when_done(), mapping_began() and look(), on the thread that carries out commands.
  void hand_over();
  /// wgpu-native was asked for a mapping; `mapping_ended` is called from its callback, on whatever thread, and can come
  /// first.
  void mapping_began();
  void mapping_ended(Task task);

 private:
  void run();
  bool take_due(std::vector<Task>& tasks);
  void run_tasks(std::unique_lock<std::mutex>& lock, std::vector<Task>& tasks);
  void finish(std::unique_lock<std::mutex>& lock);
  void began();
  void complete_oldest(std::unique_lock<std::mutex>& lock);
  void wait_for_oldest(std::unique_lock<std::mutex>& lock);
  void poll_mappings(std::unique_lock<std::mutex>& lock);
  void poll_once(std::unique_lock<std::mutex>& lock);
  bool awaited() const { return !done_.empty() || mappings_ > 0 || !ended_.empty(); }

  const Functions& functions_;
  const WGPUDevice device_;
  const WGPUQueue queue_;
  BusyClock& clock_;
  const std::shared_ptr<void> callback_data_;
  std::unique_ptr<Watchdog> watchdog_;                   // null: there is no limit, or the thread has ended
  const std::shared_ptr<GpuTimer> timer_;                // null: no timestamps
  std::chrono::steady_clock::time_point working_since_;  // on the oldest submission
  std::mutex mutex_;
  std::condition_variable changed_;
  bool engaged_ = false;  // the thread attends to what was begun
  bool stopped_ = false;
  struct Submission {
    WGPUSubmissionIndex index;
    std::optional<std::uint32_t> span;
  };
  std::deque<Submission> submissions_;
  std::uint64_t submitted_ = 0, completed_ = 0;
  struct Awaited {
    std::uint64_t submissions, mappings;  // that were begun before
    Task task;
  };
  std::deque<Awaited> done_;
  std::vector<Task> ended_;
  int mappings_ = 0;
  std::uint64_t mappings_begun_ = 0, mappings_polled_ = 0;
};

}  // namespace dcp::gpu
