// Threads that use an object of another one, which therefore outlives them.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <memory>
#include <mutex>

namespace dcp::gpu {

class Visitors {
 public:
  struct Leave {
    void operator()(Visitors* visited) const { visited->leave(); }
  };
  /// Ends with its owner. It has no memory of its own, which a thread could free after the object is gone.
  using Visit = std::unique_ptr<Visitors, Leave>;

  Visitors() = default;
  Visitors(const Visitors&) = delete;
  Visitors& operator=(const Visitors&) = delete;
  /// Waits until every visit has ended.
  ~Visitors();

  Visit enter();
  /// Waits until no more than `count` visits are left.
  void wait_for(std::size_t count);

 private:
  void leave();

  std::mutex mutex_;
  std::condition_variable changed_;
  std::size_t inside_ = 0;
};

}  // namespace dcp::gpu
