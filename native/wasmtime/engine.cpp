#include "wasmtime/engine.hpp"

#include <stdexcept>

#include "cache/word_hash.hpp"

namespace dcp::wasmtime {

namespace {

// To be raised whenever something else is made of modules before wasmtime sees them (binary/legacy_exceptions.hpp).
constexpr std::uint64_t kGeneration = 1;

// The smallest module: magic number and version. What it compiles to tells the version and all settings.
std::uint8_t empty_module[] = {0, 'a', 's', 'm', 1, 0, 0, 0};

void compile_empty(wasm_engine_t* engine, Bytes& compiled) {
  wasmtime_module_t* made = nullptr;
  if (Owned<wasmtime_error_t> error(wt.wasmtime_module_new(engine, empty_module, sizeof empty_module, &made)); error) {
    throw std::runtime_error("WebAssembly: wasmtime cannot compile an empty module: " + take_message(std::move(error)) +
                             kRemedy);
  }
  const Owned<wasmtime_module_t> module(made);
  if (Owned<wasmtime_error_t> error(wt.wasmtime_module_serialize(module.get(), &compiled.vec)); error) {
    throw std::runtime_error("WebAssembly: " + take_message(std::move(error)) + kRemedy);
  }
}

// The library has no function that tells its version, but compiled modules carry it: a length byte and the major
// version near the start of the file.
void check_version(wasm_engine_t* engine) {
  Bytes compiled;
  compile_empty(engine, compiled);
  const std::string major = WASMTIME_API_MAJOR;
  const std::string stamp = static_cast<char>(major.size()) + major;
  if (compiled.text().substr(0, 96).find(stamp) == std::string_view::npos) {
    throw std::runtime_error("WebAssembly: the library is not wasmtime " + major + ", for which this build was made" +
                             kRemedy);
  }
}

}  // namespace

wasm_config_t* code_settings() {
  wasm_config_t* config = wt.wasm_config_new();
  wt.wasmtime_config_epoch_interruption_set(config, false);  // a watchdog ends the process instead
  wt.wasmtime_config_memory_init_cow_set(config, false);     // it needs memfds, which a sealed sandbox lacks
  wt.wasmtime_config_memory_may_move_set(config, false);     // Memory.buffer points into it
  wt.wasmtime_config_native_unwind_info_set(config, false);  // nothing of ours unwinds through wasm frames
  wt.wasmtime_config_wasm_threads_set(config, true);
  wt.wasmtime_config_shared_memory_set(config, true);
  wt.wasmtime_config_wasm_tail_call_set(config, true);
  wt.wasmtime_config_wasm_reference_types_set(config, true);
  wt.wasmtime_config_wasm_function_references_set(config, true);
  wt.wasmtime_config_wasm_gc_set(config, true);
  wt.wasmtime_config_wasm_simd_set(config, true);
  wt.wasmtime_config_wasm_relaxed_simd_set(config, true);
  wt.wasmtime_config_wasm_relaxed_simd_deterministic_set(config, true);  // results agree between nodes
  wt.wasmtime_config_wasm_bulk_memory_set(config, true);
  wt.wasmtime_config_wasm_multi_value_set(config, true);
  wt.wasmtime_config_wasm_multi_memory_set(config, true);
  wt.wasmtime_config_wasm_memory64_set(config, true);
  wt.wasmtime_config_wasm_exceptions_set(config, true);
  return config;
}

Owned<wasm_engine_t> make_engine(wasm_config_t* config) {
  Owned<wasm_engine_t> engine(wt.wasm_engine_new_with_config(config));
  if (!engine) throw std::runtime_error("WebAssembly: wasmtime cannot make an engine on this machine");
  check_version(engine.get());
  return engine;
}

std::uint64_t fingerprint(wasm_engine_t* engine) {
  Bytes compiled;
  compile_empty(engine, compiled);
  return cache::mix_word(kGeneration, cache::word_hash(std::as_bytes(std::span(compiled.text()))));
}

}  // namespace dcp::wasmtime
