// engine.hpp on V8: an addon, since V8 is in the `node` program only.
#include <node.h>
#include <unistd.h>

#include <string_view>

#include "check.hpp"
#include "engine_contract.hpp"

namespace {

using dcp::engine::make_v8;

constexpr std::size_t kMiB = std::size_t{1} << 20;

/// The size of the young generation where `memory` bytes are allowed and a million objects were kept.
std::size_t young_generation(std::size_t memory) {
  const auto engine = make_v8({memory, kMiB});
  const dcp::engine::Scope scope(*engine);
  constexpr std::string_view kKeep = "const kept = []; for (let i = 0; i < 1e6; i++) kept.push({ i });";
  (void)engine->evaluate(kKeep, "kept.js", dcp::engine::ScriptKind::classic);
  v8::Isolate* isolate = v8::Isolate::GetCurrent();
  for (std::size_t at = 0; at < isolate->NumberOfHeapSpaces(); ++at) {
    v8::HeapSpaceStatistics space;
    if (isolate->GetHeapSpaceStatistics(&space, at) && space.space_name() == std::string_view("new_space")) {
      return space.space_size();
    }
  }
  return 0;
}

void check_young_generation() {
  CHECK(young_generation(2048 * kMiB) > 32 * kMiB);
  CHECK(young_generation(256 * kMiB) <= 32 * kMiB);
}

}  // namespace

NODE_MODULE_INIT() {
  (void)exports;
  (void)module;
  (void)context;
  check_young_generation();
  dcp::test::check_engine(*make_v8({256 * kMiB, kMiB}).release());
  _exit(dcp::test::failures == 0 ? 0 : 1);  // Node's own end expects no isolate but its own
}
