// An object outlives the threads that visit it.
#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

#include "check.hpp"
#include "gpu/guarded.hpp"
#include "gpu/visitors.hpp"

using namespace dcp::gpu;

namespace {

void the_end_waits_for_every_visit() {
  std::atomic<int> left = 0;
  std::vector<std::thread> threads;
  {
    Visitors visitors;
    for (int i = 0; i < 8; ++i) {
      threads.emplace_back([&left, i, visit = visitors.enter()]() mutable {
        const Visitors::Visit held = std::move(visit);
        std::this_thread::sleep_for(std::chrono::milliseconds(i));
        ++left;
      });
    }
  }
  CHECK_EQ(left, 8);
  for (std::thread& thread : threads) thread.join();
}

void one_thread_at_a_time_uses_a_guarded_value() {
  Guarded<int> guarded;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int j = 0; j < 10'000; ++j) guarded.use([](int& value) { ++value; });
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK_EQ(guarded.use([](int& value) { return value; }), 40'000);
}

}  // namespace

int main() {
  the_end_waits_for_every_visit();
  one_thread_at_a_time_uses_a_guarded_value();
  return dcp::test::failures != 0;
}
