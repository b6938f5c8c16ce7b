#include "gpu/visitors.hpp"

namespace dcp::gpu {

Visitors::~Visitors() { wait_for(0); }

void Visitors::wait_for(std::size_t count) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return inside_ <= count; });
}

Visitors::Visit Visitors::enter() {
  const std::lock_guard lock(mutex_);
  ++inside_;
  return Visit(this);
}

void Visitors::leave() {
  const std::lock_guard lock(mutex_);
  --inside_;
  changed_.notify_all();
}

}  // namespace dcp::gpu
