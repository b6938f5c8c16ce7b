// A value that belongs to one thread at a time: nobody reaches it but through use().
#pragma once

#include <mutex>
#include <utility>

namespace dcp::gpu {

template <typename T>
class Guarded {
 public:
  /// Calls `use(value)` while no other thread does, and returns what it returns.
  template <typename Use>
  decltype(auto) use(Use&& use) {
    const std::lock_guard lock(mutex_);
    return std::forward<Use>(use)(value_);
  }
  template <typename Use>
  decltype(auto) use(Use&& use) const {
    const std::lock_guard lock(mutex_);
    return std::forward<Use>(use)(value_);
  }

 private:
  mutable std::mutex mutex_;
  T value_{};
};

}  // namespace dcp::gpu
