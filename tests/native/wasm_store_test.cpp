// Stores of WebAssembly and what ties them to JavaScript: made, forgotten and freed in every order, for the sanitizers.
#include <unistd.h>

#include <string>

#include "check.hpp"
#include "gpu/client_ops.hpp"
#include "runtime/web_ops.hpp"
#include "wasm/store.hpp"

using namespace dcp;

namespace {

// (module (import "m" "f" (func (param i32) (result i32))) (memory (export "memory") 1)
//   (table (export "table") 4 externref) (global (export "global") (mut externref) (ref.null extern))
//   (func (export "run") (param i32) (result i32) (call 0 (local.get 0))))
constexpr const char* kPrelude = R"js(
  const bytes = new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0, 1, 6, 1, 96, 1, 127, 1, 127, 2, 7, 1, 1, 109, 1, 102, 0, 0,
    3, 2, 1, 0, 4, 4, 1, 111, 0, 4, 5, 3, 1, 0, 1, 6, 6, 1, 111, 1, 208, 111, 11, 7, 33, 4, 6, 109, 101, 109, 111, 114,
    121, 2, 0, 5, 116, 97, 98, 108, 101, 1, 0, 6, 103, 108, 111, 98, 97, 108, 3, 0, 3, 114, 117, 110, 0, 1, 10, 8, 1, 6,
    0, 32, 0, 16, 0, 11]);
  const make = (f) => new WebAssembly.Instance(new WebAssembly.Module(bytes), { m: { f } }).exports;
  globalThis.make = make;
)js";

struct Sandbox {
  explicit Sandbox(std::size_t memory_limit)
      : engine(engine::make_quickjs({std::size_t{256} << 20, std::size_t{1} << 20})),
        runtime(*engine, runtime::Mode::job) {
    runtime::install_web_ops(runtime);
    gpu::install(runtime, [](std::string& reason) {
      reason = "there is none";
      return -1;
    });
    host =
        static_cast<wasm::Host*>(&wasm::install(runtime, DCP_WASMTIME_LIBRARY, {memory_limit, std::size_t{1} << 20}));
    runtime::ScriptCache scripts(*engine, "", 0);
    runtime.load(scripts);
    run(kPrelude);
  }

  double run(const std::string& source) {
    const engine::Scope scope(*engine);
    return engine->as_number(engine->evaluate(source, "test.js", engine::ScriptKind::classic));
  }

  void collect() {
    engine->collect_garbage();
    host->begin_turn();
  }

  std::unique_ptr<engine::Engine> engine;
  runtime::Runtime runtime;
  wasm::Host* host;
};

void cycles_are_freed() {
  Sandbox sandbox(std::size_t{4} << 20);
  for (int turn = 0; turn < 200; ++turn) {
    sandbox.run(
        "{ const e = make((x) => e.memory ? x : 0); e.global.value = { e }; e.table.set(0, [e.run, e.memory]);"
        "  e.run.back = e; new Uint8Array(e.memory.buffer)[0] = 1; e.run(5); }");
    sandbox.collect();
  }
  CHECK(sandbox.host->regions().count() < 16);
}

void the_last_reference_keeps_the_store() {
  Sandbox sandbox(std::size_t{16} << 20);
  sandbox.run(
      "globalThis.kept = { run: make((x) => x + 1).run, buffer: make((x) => x).memory.buffer,"
      "  table: make((x) => x).table, global: make((x) => x).global }; kept.global.value = kept;");
  for (int turn = 0; turn < 60; ++turn) {
    sandbox.run("make((x) => x).memory.grow(1)");
    sandbox.collect();
  }
  CHECK_EQ(sandbox.run("kept.run(41)"), 42);
  CHECK_EQ(sandbox.run("kept.buffer.byteLength"), 65536);
  CHECK_EQ(sandbox.run("kept.table.set(1, kept.run); kept.table.get(1)(1)"), 2);
  CHECK_EQ(sandbox.run("kept.global.value === kept ? 1 : 0"), 1);
  sandbox.run("delete globalThis.kept");
  sandbox.collect();
  sandbox.collect();
  CHECK(sandbox.host->regions().count() < 16);
}

void a_buffer_outlives_its_store() {
  Sandbox sandbox(std::size_t{4} << 20);
  sandbox.run("globalThis.view = new Uint8Array(make((x) => x).memory.buffer); view[7] = 9;");
  for (int turn = 0; turn < 100; ++turn) {
    sandbox.run("make((x) => x)");
    sandbox.collect();
  }
  CHECK_EQ(sandbox.run("view[7] + view.length"), 65536 + 9);
}

void exceptions_and_resizable_buffers() {
  Sandbox sandbox(std::size_t{8} << 20);
  for (int turn = 0; turn < 100; ++turn) {
    CHECK_EQ(sandbox.run("{ const e = make(() => { throw e; }); let caught; try { e.run(1); } catch (x) { caught = x; }"
                         "  const b = e.memory.toResizableBuffer(); e.memory.grow(1); b.resize(3 * 65536);"
                         "  caught === e ? b.byteLength : 0; }"),
             3 * 65536);
    sandbox.collect();
  }
}

}  // namespace

int main() {
  cycles_are_freed();
  the_last_reference_keeps_the_store();
  a_buffer_outlives_its_store();
  exceptions_and_resizable_buffers();
  _exit(dcp::test::failures != 0);  // as sandboxes leave: what is reachable goes with the process
}
