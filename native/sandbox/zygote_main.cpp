// dcp-zygote: sandboxes of QuickJS-NG, with WebAssembly of wasmtime.
#include "sandbox/backend.hpp"
#include "sandbox/sandbox.hpp"
#include "sandbox/zygote_program.hpp"
#include "wasm/wasm.hpp"

namespace {

using namespace dcp::sandbox;

class Wasmtime final : public WebAssembly {
 public:
  explicit Wasmtime(dcp::wasm::Host& host) : host_(host) {}
  void use_compiler(std::function<int(std::string& reason)> connect) override {
    dcp::wasm::use_compiler(host_, std::move(connect));
  }
  void on_out_of_memory(std::function<void()> end) override { dcp::wasm::on_out_of_memory(std::move(end)); }
  void begin_turn() override { dcp::wasm::begin_turn(host_); }
  void free_memory() override { dcp::wasm::free_memory(host_); }

 private:
  dcp::wasm::Host& host_;
};

std::unique_ptr<WebAssembly> install_wasmtime(dcp::runtime::Runtime& runtime, const Options& options) {
  return std::make_unique<Wasmtime>(
      dcp::wasm::install(runtime, options.wasmtime_library, {options.memory_limit, options.stack_limit}));
}

}  // namespace

int main(int count, char** arguments) {
  return run_zygote(count, arguments, {dcp::engine::make_quickjs, dcp::isolation::CodePages::fixed, install_wasmtime});
}
