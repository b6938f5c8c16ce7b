// A script in QuickJS, while one allocation fails or all from one on: errors at most, never a bad access. The inputs
// are scripts of tests/fuzz/seeds/allocation_fuzz; a last line "// fail N once" or "// fail N on" says which allocation
// fails, and without it some are tried, evenly spread. Only that line is mutated.
#include <malloc.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <random>
#include <string>
#include <string_view>
#include <unordered_set>

#include "quickjs.h"

namespace {

constexpr std::string_view kMark = "\n// fail ";
constexpr std::size_t kTriedAtFirst = 4;
constexpr int kPolls = 20, kJobs = 200;

struct Failure {
  std::size_t at;  // 0: none
  bool goes_on;
};

// The allocator of one runtime. What the runtime has leaked when it failed goes with it.
class Heap {
 public:
  explicit Heap(const Failure& failure) : failure_(failure) {}
  Heap(const Heap&) = delete;
  Heap& operator=(const Heap&) = delete;
  ~Heap() {
    for (void* block : blocks_) std::free(block);
  }

  std::size_t count() const { return count_; }
  void set_failure(const Failure& failure) { failure_ = failure; }
  void set_counting(bool counts) { counts_ = counts; }

  static void* calloc(void* heap, std::size_t count, std::size_t size) {
    return self(heap).keep([&] { return std::calloc(count, size); });
  }
  static void* malloc(void* heap, std::size_t size) {
    return self(heap).keep([&] { return std::malloc(size); });
  }
  static void free(void* heap, void* block) {
    self(heap).blocks_.erase(block);
    std::free(block);
  }
  // Always to another place, so that whoever keeps the old one is found.
  static void* realloc(void* heap, void* block, std::size_t size) {
    void* larger = malloc(heap, size);
    if (larger == nullptr) return nullptr;
    if (block != nullptr) {
      std::memcpy(larger, block, std::min(size, malloc_usable_size(block)));
      free(heap, block);
    }
    return larger;
  }

  static std::size_t size_of(const void* block) { return malloc_usable_size(const_cast<void*>(block)); }

 private:
  static Heap& self(void* heap) { return *static_cast<Heap*>(heap); }

  template <typename Allocate>
  void* keep(Allocate allocate) {
    if (counts_ && ++count_ == failure_.at) failing_ = true;
    const bool fails = counts_ && failing_;
    if (!failure_.goes_on) failing_ = false;
    void* block = fails ? nullptr : allocate();
    if (block != nullptr) blocks_.insert(block);
    return block;
  }

  Failure failure_;
  std::unordered_set<void*> blocks_;
  std::size_t count_ = 0;
  bool counts_ = false, failing_ = false;
};

const JSMallocFunctions kFunctions = {Heap::calloc, Heap::malloc, Heap::free, Heap::realloc, Heap::size_of};

int end_soon(JSRuntime*, void* polls) { return ++*static_cast<int*>(polls) > kPolls; }

void run_script(JSContext* context, const std::string& script) {
  JS_FreeValue(context, JS_Eval(context, script.c_str(), script.size(), "script", JS_EVAL_TYPE_GLOBAL));
  JSContext* of_job = nullptr;
  for (int jobs = 0; jobs < kJobs && JS_ExecutePendingJob(JS_GetRuntime(context), &of_job) != 0; ++jobs) {
  }
}

/// Returns how many allocations there were. The runtime is not freed: it insists that nothing has been leaked.
std::size_t run(const std::string& script, const Failure& failure) {
  Heap heap(failure);
  int polls = 0;
  JSRuntime* runtime = JS_NewRuntime2(&kFunctions, &heap);
  JSContext* context = JS_NewContext(runtime);
  JS_SetInterruptHandler(runtime, end_soon, &polls);
  JS_SetMemoryLimit(runtime, 64 << 20);
  heap.set_counting(true);
  run_script(context, script);
  heap.set_counting(false);
  JS_FreeValue(context, JS_GetException(context));
  JS_RunGC(runtime);
  JS_FreeContext(context);
  JS_RunGC(runtime);
  return heap.count();
}

void try_some(const std::string& script) {
  const std::size_t count = run(script, {});
  for (std::size_t n = 1; n <= kTriedAtFirst; ++n) {
    const std::size_t at = std::max<std::size_t>(1, count * n / (kTriedAtFirst + 1));
    run(script, {at, false});
    run(script, {at, true});
  }
}

std::string_view script_of(std::string_view input) { return input.substr(0, input.rfind(kMark)); }

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::string script(script_of(input));
  if (script.size() == size) {
    try_some(script);
    return 0;
  }
  const std::string failure(input.substr(script.size() + kMark.size()));
  run(script, {std::strtoul(failure.c_str(), nullptr, 10), failure.ends_with("on")});
  return 0;
}

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t most, unsigned seed) {
  std::minstd_rand random(seed);
  std::string input(script_of({reinterpret_cast<const char*>(data), size}));
  // Half of the numbers are small: short scripts make few allocations.
  const std::size_t at = 1 + random() % (random() % 2 == 0 ? 300 : 4000);
  input.append(kMark).append(std::to_string(at)).append(random() % 2 == 0 ? " once" : " on");
  if (input.size() > most) return size;
  std::memcpy(data, input.data(), input.size());
  return input.size();
}
