// Threads that use an object of another one, which therefore outlives them.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <memory>
#include <mutex>

namespace dcp::gpu {

class Visitors {
 public:
  Visitors() = default;
  Visitors(const Visitors&) = delete;
  Visitors& operator=(const Visitors&) = delete;
  /// Waits until every visit has ended.
  ~Visitors();

  /// A visit that ends when the last copy of this goes.
  std::shared_ptr<void> enter();
  /// Waits until no more than `count` visits are left.
  void wait_for(std::size_t count);

 private:
  void leave();

  std::mutex mutex_;
  std::condition_variable changed_;
  std::size_t inside_ = 0;
};

}  // namespace dcp::gpu
