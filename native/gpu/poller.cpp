#include "gpu/poller.hpp"

#include <chrono>
#include <thread>
#include <utility>

namespace dcp::gpu {
namespace {

constexpr auto kQuiet = std::chrono::milliseconds(5);
// wgpu-native returns Rust's bool here, of which the upper bytes of webgpu.h's WGPUBool are not set.
constexpr WGPUBool kByte = 0xFF;
// What nobody awaits is looked after this often, so that the watchdog does not take many short submissions for one.
constexpr auto kLongestUnwatched = std::chrono::milliseconds(500);

}  // namespace

void Poller::start(Visitors::Visit visit) {
  std::thread([self = shared_from_this(), visit = std::move(visit)]() mutable {
    self->run();
    self.reset();
    visit.reset();
  }).detach();
}

void Poller::stop() {
  const std::lock_guard lock(mutex_);
  stopped_ = true;
  changed_.notify_all();
}

void Poller::submitted(WGPUSubmissionIndex index, std::optional<std::uint32_t> span) {
  const std::lock_guard lock(mutex_);
  if (submissions_.empty()) {
    began();
    if (engaged_) changed_.notify_all();
  }
  submissions_.push_back({index, span});
  ++submitted_;
  clock_.begin();
}

void Poller::when_done(Task task) {
  const std::lock_guard lock(mutex_);
  done_.push_back({submitted_, mappings_begun_, std::move(task)});
  if (engaged_) changed_.notify_all();
}

bool Poller::is_idle() {
  const std::lock_guard lock(mutex_);
  return submissions_.empty();
}

void Poller::wait_until_done() {
  std::mutex mutex;
  std::condition_variable finished;
  bool done = false;
  when_done([&] {
    const std::lock_guard lock(mutex);
    done = true;
    finished.notify_all();
  });
  hand_over();
  std::unique_lock lock(mutex);
  finished.wait(lock, [&] { return done; });
}

void Poller::began() {
  working_since_ = std::chrono::steady_clock::now();
  if (watchdog_) watchdog_->begin();
}

void Poller::mapping_began() {
  const std::lock_guard lock(mutex_);
  ++mappings_;
  ++mappings_begun_;
  if (engaged_) changed_.notify_all();
}

void Poller::mapping_ended(Task task) {
  const std::lock_guard lock(mutex_);
  --mappings_;
  ended_.push_back(std::move(task));
  if (engaged_) changed_.notify_all();
}

void Poller::hand_over() {
  const std::lock_guard lock(mutex_);
  if (engaged_ || (submissions_.empty() && !awaited())) return;
  engaged_ = true;
  changed_.notify_all();
}

bool Poller::look() {
  std::unique_lock lock(mutex_);
  if (engaged_ || stopped_) return false;
  if (!awaited()) return !submissions_.empty();
  if (ended_.empty()) poll_once(lock);
  std::vector<Task> tasks;
  take_due(tasks);
  run_tasks(lock, tasks);
  return !submissions_.empty() || awaited();
}

/// Those of which nothing is left to wait for. True: there is a mapping that may have to end before the next.
bool Poller::take_due(std::vector<Task>& tasks) {
  tasks = std::exchange(ended_, {});
  while (!done_.empty() && done_.front().submissions <= completed_) {
    if (mappings_ > 0 && done_.front().mappings > mappings_polled_) return true;
    tasks.push_back(std::move(done_.front().task));
    done_.pop_front();
  }
  return false;
}

void Poller::run_tasks(std::unique_lock<std::mutex>& lock, std::vector<Task>& tasks) {
  lock.unlock();
  for (const Task& task : tasks) task();
  tasks.clear();
  lock.lock();
}

void Poller::wait_for_oldest(std::unique_lock<std::mutex>& lock) {
  const WGPUSubmissionIndex index = submissions_.front().index;
  lock.unlock();
  functions_.DevicePoll(device_, true, &index);
  lock.lock();
  complete_oldest(lock);
}

void Poller::complete_oldest(std::unique_lock<std::mutex>& lock) {
  if (const auto span = submissions_.front().span) {
    lock.unlock();
    timer_->read(*span);
    lock.lock();
  }
  submissions_.pop_front();
  ++completed_;
  clock_.end();
  if (!submissions_.empty()) {
    began();
  } else if (watchdog_) {
    watchdog_->end();
  }
}

void Poller::poll_mappings(std::unique_lock<std::mutex>& lock) {
  const std::uint64_t before = mappings_begun_;
  lock.unlock();
  functions_.DevicePoll(device_, true, nullptr);
  lock.lock();
  // All that was mappable is mapped. One that is not is ended by an unmap, which tells.
  const bool nothing_new = before == mappings_begun_ && ended_.empty() && done_.empty() && submissions_.empty();
  if (nothing_new && mappings_ > 0 && !stopped_) changed_.wait(lock);
}

/// Without waiting. A buffer that the GPU does not use is mapped by any poll: what was asked for later has to wait for
/// one.
void Poller::poll_once(std::unique_lock<std::mutex>& lock) {
  mappings_polled_ = mappings_begun_;
  const std::uint64_t submitted = submitted_;
  lock.unlock();
  const bool is_done = (functions_.DevicePoll(device_, false, nullptr) & kByte) != 0;
  lock.lock();
  while (is_done && completed_ < submitted) complete_oldest(lock);
}

void Poller::run() {
  std::unique_lock lock(mutex_);
  while (!stopped_) {
    if (!engaged_) {
      changed_.wait(lock);
      continue;
    }
    std::vector<Task> tasks;
    const bool unseen = take_due(tasks);
    if (!tasks.empty()) {
      run_tasks(lock, tasks);
    } else if (unseen) {
      poll_once(lock);
    } else if (submissions_.empty() && mappings_ == 0) {
      engaged_ = false;
    } else if (submissions_.empty()) {
      poll_mappings(lock);
    } else {
      const std::uint64_t before = submitted_;
      const bool overdue = std::chrono::steady_clock::now() - working_since_ > kLongestUnwatched;
      if (!awaited() && !overdue && changed_.wait_for(lock, kQuiet) == std::cv_status::no_timeout) continue;
      if (awaited() || overdue || before == submitted_) wait_for_oldest(lock);
    }
  }
  finish(lock);
}

void Poller::finish(std::unique_lock<std::mutex>& lock) {
  while (!submissions_.empty()) wait_for_oldest(lock);
  const std::unique_ptr<Watchdog> watchdog = std::move(watchdog_);
  lock.unlock();
  if (timer_) timer_->release();
  functions_.QueueRelease(queue_);
  functions_.DeviceRelease(device_);
  lock.lock();
  std::vector<Task> tasks = std::move(ended_);  // mappings that the device's end has ended are among them
  ended_.clear();
  for (Awaited& awaited : done_) tasks.push_back(std::move(awaited.task));
  done_.clear();
  run_tasks(lock, tasks);
}

}  // namespace dcp::gpu
