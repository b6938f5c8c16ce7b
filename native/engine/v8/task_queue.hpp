// The tasks that V8 posts to its own thread: compiled WebAssembly, clean-ups of FinalizationRegistry, timeouts of
// Atomics.waitAsync. They run between two turns of the event loop.
#pragma once

#include <node.h>

#include <chrono>
#include <deque>
#include <map>
#include <memory>
#include <optional>

namespace dcp::engine::v8engine {

class TaskQueue final : public v8::TaskRunner {
 public:
  using Clock = std::chrono::steady_clock;

  bool IdleTasksEnabled() override { return false; }
  bool NonNestableTasksEnabled() const override { return true; }
  bool NonNestableDelayedTasksEnabled() const override { return true; }

  /// Takes the next task that is due; null when there is none.
  std::unique_ptr<v8::Task> take();
  /// When the next task that code waits for is due: V8 posts its own housekeeping as nestable.
  std::optional<Clock::time_point> next() const;

 private:
  using Location = v8::SourceLocation;
  void PostTaskImpl(std::unique_ptr<v8::Task> task, const Location&) override { ready_.push_back(std::move(task)); }
  void PostNonNestableTaskImpl(std::unique_ptr<v8::Task> task, const Location&) override {
    ready_.push_back(std::move(task));
  }
  void PostDelayedTaskImpl(std::unique_ptr<v8::Task> task, double seconds, const Location&) override;
  void PostNonNestableDelayedTaskImpl(std::unique_ptr<v8::Task> task, double seconds, const Location&) override;

  std::deque<std::unique_ptr<v8::Task>> ready_;
  using Delayed = std::multimap<Clock::time_point, std::unique_ptr<v8::Task>>;
  void take_due(Delayed& delayed, Clock::time_point now);

  Delayed housekeeping_;
  Delayed awaited_;
};

/// Hands the queue to Node's platform, in place of an event loop of Node's, which does not run.
class PlatformDelegate final : public node::IsolatePlatformDelegate {
 public:
  explicit PlatformDelegate(std::shared_ptr<TaskQueue> queue) : queue_(std::move(queue)) {}
  virtual ~PlatformDelegate() = default;
  std::shared_ptr<v8::TaskRunner> GetForegroundTaskRunner() override { return queue_; }
  bool IdleTasksEnabled() override { return false; }

 private:
  std::shared_ptr<TaskQueue> queue_;
};

}  // namespace dcp::engine::v8engine
