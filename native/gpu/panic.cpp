#include "gpu/panic.hpp"

#include <setjmp.h>

#include <atomic>
#include <mutex>
#include <utility>

namespace dcp::gpu {
namespace {

thread_local sigjmp_buf* place_behind = nullptr;
thread_local bool spent = false;
std::atomic<int> guarded = 0;
std::mutex kept_mutex;
std::string kept;

void end_guard() {
  place_behind = nullptr;
  guarded.fetch_sub(1, std::memory_order_relaxed);
}

}  // namespace

bool run_guarded(void (*call)(void*), void* argument) {
  sigjmp_buf behind;
  if (sigsetjmp(behind, 1) != 0) {
    spent = true;
    end_guard();
    return false;
  }
  place_behind = &behind;
  guarded.fetch_add(1, std::memory_order_relaxed);
  try {
    call(argument);
  } catch (...) {  // Rust unwinds only where somebody up the stack catches
    end_guard();
    throw;
  }
  end_guard();
  return true;
}

std::string take_panic() {
  const std::lock_guard lock(kept_mutex);
  return std::exchange(kept, {});
}

void keep_panic(std::string text) {
  const std::lock_guard lock(kept_mutex);
  kept = std::move(text);
}

bool thread_is_spent() { return spent; }

bool in_guarded_call() { return place_behind != nullptr; }

void leave_guarded_call() { siglongjmp(*place_behind, 1); }

bool is_any_guarded() { return guarded.load(std::memory_order_relaxed) > 0; }

}  // namespace dcp::gpu
