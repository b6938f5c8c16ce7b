#include "engine/v8/task_queue.hpp"

#include <utility>

namespace dcp::engine::v8engine {

std::unique_ptr<v8::Task> TaskQueue::take() {
  const auto now = Clock::now();
  while (!delayed_.empty() && delayed_.begin()->first <= now) {
    ready_.push_back(std::move(delayed_.begin()->second));
    delayed_.erase(delayed_.begin());
  }
  if (ready_.empty()) return nullptr;
  std::unique_ptr<v8::Task> task = std::move(ready_.front());
  ready_.pop_front();
  return task;
}

void TaskQueue::PostDelayedTaskImpl(std::unique_ptr<v8::Task> task, double seconds, const Location&) {
  const auto delay = std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
  delayed_.emplace(Clock::now() + delay, std::move(task));
}

void TaskQueue::PostNonNestableDelayedTaskImpl(std::unique_ptr<v8::Task> task, double seconds, const Location& from) {
  PostDelayedTaskImpl(std::move(task), seconds, from);
}

}  // namespace dcp::engine::v8engine
