#include "engine/v8/task_queue.hpp"

#include <utility>

namespace dcp::engine::v8engine {

namespace {

TaskQueue::Clock::time_point after(double seconds) {
  const std::chrono::duration<double> delay(seconds);
  return TaskQueue::Clock::now() + std::chrono::duration_cast<TaskQueue::Clock::duration>(delay);
}

}  // namespace

std::unique_ptr<v8::Task> TaskQueue::take() {
  const auto now = Clock::now();
  take_due(awaited_, now);
  take_due(housekeeping_, now);
  if (ready_.empty()) return nullptr;
  std::unique_ptr<v8::Task> task = std::move(ready_.front());
  ready_.pop_front();
  return task;
}

void TaskQueue::take_due(Delayed& delayed, Clock::time_point now) {
  while (!delayed.empty() && delayed.begin()->first <= now) {
    ready_.push_back(std::move(delayed.begin()->second));
    delayed.erase(delayed.begin());
  }
}

std::optional<TaskQueue::Clock::time_point> TaskQueue::next() const {
  return awaited_.empty() ? std::nullopt : std::optional(awaited_.begin()->first);
}

void TaskQueue::PostDelayedTaskImpl(std::unique_ptr<v8::Task> task, double seconds, const Location&) {
  housekeeping_.emplace(after(seconds), std::move(task));
}

void TaskQueue::PostNonNestableDelayedTaskImpl(std::unique_ptr<v8::Task> task, double seconds, const Location&) {
  awaited_.emplace(after(seconds), std::move(task));
}

}  // namespace dcp::engine::v8engine
