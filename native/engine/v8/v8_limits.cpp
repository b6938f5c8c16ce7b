// Limits of memory and stack, and what a fork changes.
#include <sys/mman.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <fstream>
#include <new>
#include <stdexcept>
#include <string>

#include "engine/v8/v8_engine.hpp"

namespace dcp::engine::v8engine {

namespace {

constexpr std::size_t kMiB = std::size_t{1} << 20;
constexpr std::size_t kLeastYoung = 48 * kMiB;     // beside the limit, within what RLIMIT_DATA leaves above it
constexpr std::size_t kLargestYoung = 192 * kMiB;  // V8's own maximum

/// Where most objects survive, as in a large JSON text, each collection of a small young generation copies them again.
std::size_t young_generation(std::size_t memory) {
  std::size_t young = kLargestYoung;
  while (memory != 0 && young > kLeastYoung && young > memory / 10) young /= 2;
  return young;
}

}  // namespace

void V8Engine::constrain_heap(v8::ResourceConstraints& constraints, std::size_t memory) {
  const std::size_t young = young_generation(memory);
  constraints.set_initial_young_generation_size_in_bytes(kLeastYoung);
  constraints.set_max_young_generation_size_in_bytes(young);
  if (memory != 0) constraints.set_max_old_generation_size_in_bytes(memory - (young - kLeastYoung));
  // No full collection below that, and at most half of the old generation: what the zygote's own collection leaves as
  // the next limit is a few MiB, and a slice that keeps objects would be collected again and again.
  v8::V8::SetFlagsFromString("--initial-old-space-size=32");
}

void V8Engine::set_limits(const Limits& limits) {
  allocator_.set_limit(limits.memory);
  isolate_->SetStackLimit(reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0)) - limits.stack);
  isolate_->AddNearHeapLimitCallback(near_heap_limit, this);
  isolate_->SetOOMErrorHandler(no_memory);
  (void)std::set_terminate(terminate_program);
}

// Execution could be terminated here, but a loop in a builtin that allocates would not notice in time.
std::size_t V8Engine::near_heap_limit(void* engine, std::size_t current, std::size_t) {
  auto& self = *static_cast<V8Engine*>(engine);
  if (self.out_of_memory_) self.out_of_memory_();
  return current;
}

void V8Engine::no_memory(const char*, const v8::OOMDetails&) {
  V8Engine& engine = of(v8::Isolate::GetCurrent());
  if (engine.out_of_memory_) engine.out_of_memory_();
}

// V8 is built without exceptions: a std::bad_alloc from within it has no handler, and comes here.
void V8Engine::terminate_program() {
  try {
    if (const auto exception = std::current_exception()) std::rethrow_exception(exception);
  } catch (const std::bad_alloc&) {
    v8::Isolate* isolate = v8::Isolate::TryGetCurrent();
    if (isolate != nullptr && of(isolate).out_of_memory_) of(isolate).out_of_memory_();
  } catch (...) {
  }
  std::abort();
}

// V8 marks its memory so that a fork leaves it out; the mark is taken back for all that is mapped.
void V8Engine::before_fork() {
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    unsigned long long first = 0, end = 0;
    if (std::sscanf(line.c_str(), "%llx-%llx", &first, &end) != 2 || line.find("[v") != std::string::npos) continue;
    if (madvise(reinterpret_cast<void*>(first), end - first, MADV_DOFORK) != 0 && errno != EINVAL) {
      throw std::runtime_error(std::string("madvise MADV_DOFORK: ") + std::strerror(errno));
    }
  }
}

}  // namespace dcp::engine::v8engine
