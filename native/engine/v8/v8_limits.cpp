// Limits of memory and stack, and what a fork changes.
#include <sys/mman.h>
#include <sys/random.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <stdexcept>
#include <string>

#include "engine/v8/v8_engine.hpp"

namespace dcp::engine::v8engine {

namespace {

template <typename Number>
Number random_number() {
  Number number = 0;
  if (getrandom(&number, sizeof number, 0) != sizeof number) {
    throw std::runtime_error("getrandom failed: the kernel gives no random numbers");
  }
  return number;
}

// V8 seeds its generator at the first call and offers no way to seed it again. So none is made before the fork.
constexpr const char* kDelayedRandom = R"js((early) => {
  const { random: native } = Math;
  let draw = early;
  const delayed = { random() { return draw(); } }.random;
  Math.random = delayed;
  return () => {
    draw = native;
    if (Math.random === delayed) Math.random = native;
  };
})js";

}  // namespace

void V8Engine::set_limits(const Limits& limits) {
  allocator_.set_limit(limits.memory);
  isolate_->SetStackLimit(reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0)) - limits.stack);
  isolate_->AddNearHeapLimitCallback(near_heap_limit, this);
  isolate_->SetOOMErrorHandler(no_memory);
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

void V8Engine::install_random() {
  const Scope scope(*this);
  const Value install = evaluate(kDelayedRandom, "<engine>", ScriptKind::classic);
  const Value early[] = {function("random", 0, early_random, nullptr)};
  use_native_random_.Reset(isolate_, to(call(install, undefined(), early)).As<v8::Function>());
}

Value V8Engine::early_random(Engine& engine, void*, std::span<const Value>) {
  return engine.number(static_cast<double>(random_number<std::uint64_t>() >> 11) * 0x1p-53);
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

void V8Engine::after_fork() {
  const std::string seed = "--random-seed=" + std::to_string(random_number<std::uint32_t>() % 0x7FFFFFFF + 1);
  v8::V8::SetFlagsFromString(seed.c_str(), seed.size());
  const Scope scope(*this);
  (void)call(from(use_native_random_.Get(isolate_)), undefined(), {});
}

}  // namespace dcp::engine::v8engine
