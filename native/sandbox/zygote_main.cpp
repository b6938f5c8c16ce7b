// dcp-zygote: sandboxes of QuickJS-NG, with WebAssembly of wasmtime.
#include "sandbox/backend.hpp"
#include "sandbox/sandbox.hpp"
#include "sandbox/zygote_program.hpp"
#include "wasm/wasm.hpp"

namespace {

using namespace dcp::sandbox;

dcp::runtime::WebAssembly& install_wasmtime(dcp::runtime::Runtime& runtime, const Options& options) {
  return dcp::wasm::install(runtime, options.wasmtime_library, {options.memory_limit, options.stack_limit});
}

}  // namespace

int main(int count, char** arguments) {
  return run_zygote(count, arguments, {dcp::engine::make_quickjs, dcp::isolation::CodePages::fixed, install_wasmtime});
}
