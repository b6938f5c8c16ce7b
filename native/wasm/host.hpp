// The WebAssembly host of one sandbox: wasmtime's engine, the modules and the stores.
//
// Memories, tables, globals, tags and exported functions are known to JavaScript by an id.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/wasm_support.hpp"
#include "wasm/compile_client.hpp"
#include "wasm/hooks.hpp"
#include "wasm/regions.hpp"
#include "wasm/types.hpp"
#include "wasm/wasm.hpp"

namespace dcp::wasm {

using engine::Engine;
using engine::Ref;
using engine::Value;
using Args = std::span<const Value>;

/// Which class of error runtime/js/webassembly-errors.js makes.
enum class Failure { compile, link, runtime, range, type };

/// The id of WebAssembly.JSTag, which each store has a tag of its own for.
inline constexpr std::uint32_t kJsTagId = 0xFFFFFFFF;

class Store;
struct Extern;
struct Module;

class Host final : public runtime::WebAssembly {
 public:
  Host(Engine& js, const Options& options);
  Host(const Host&) = delete;
  Host& operator=(const Host&) = delete;
  ~Host() override;

  Engine& js() { return js_; }
  engine::WasmSupport& support() { return *js_.wasm_support(); }
  wasm_engine_t* engine() { return engine_.get(); }
  Regions& regions() { return regions_; }
  /// Exports two functions that convert between anyref and externref.
  wasmtime_module_t* converter_module() { return converter_module_.get(); }

  // --- Modules: modules.cpp ---
  /// From now on modules are compiled outside of this process.
  void use_compiler(CompileClient::Connect connect) override;
  /// Raises a CompileError.
  std::shared_ptr<Module> compile(std::span<const std::byte> wasm);

  // --- Errors: errors.cpp ---
  /// Functions of webassembly-hooks.js that the ops call.
  /// Throws std::logic_error where one of them is missing (a fault of the build).
  void set_hooks(Value hooks);
  Value call_hook(Hook hook, Args args);
  /// `is_trap`: wasm cannot catch the error where it passes through wasm again.
  [[noreturn]] void raise(Failure failure, std::string_view message, std::string_view frames = {},
                          bool is_trap = false);
  /// Raises `failure` with the error's message, if there is an error, which is taken over.
  void check(wasmtime_error_t* error, Failure failure);
  [[noreturn]] void raise_trap(Owned<wasm_trap_t> trap);

  // --- Stores ---
  /// Where new items are made.
  Store& current();
  /// The current store, or a new one where that is crowded: for an instance that is linked with nothing.
  Store& fresh();
  /// Between two turns of the event loop: frees the stores that JavaScript has forgotten, and begins a new one where
  /// the current one has become large. What one turn makes, and what is linked with it, is in one store.
  void begin_turn() override;
  /// Called when JavaScript has forgotten a store; it is deleted later, since this is in the midst of a collection.
  void retire(Store& store);
  /// Frees what can be freed and begins a new store: a memory was refused, or there is no memory left.
  void free_memory() override;
  /// abort.cpp: where wasmtime, or C++, finds no native memory and would abort.
  void on_out_of_memory(std::function<void()> end) override;

  // --- Items ---
  Extern& item(std::uint32_t id);
  /// The item that an op's argument names; raises a TypeError for a wrong kind (a fault of runtime/js).
  Extern& item(Args args, std::size_t index, std::uint8_t kind);
  std::uint32_t add(Store& store, const wasmtime_extern_t& item);
  /// The id of an exported function, or nothing for every other value.
  std::optional<std::uint32_t> function_id(Value value);

  /// The JavaScript exception that a trap stands for on its way through wasm frames.
  std::optional<engine::Thrown> pending;

 private:
  std::shared_ptr<Module> compile_anew(std::uint64_t key, std::span<const std::byte> wasm);
  void leave_crowded();
  void sweep();

  Engine& js_;
  Regions regions_;
  Owned<wasm_engine_t> engine_;
  Owned<wasmtime_module_t> converter_module_;
  std::uint64_t settings_ = 0;  ///< wasmtime::fingerprint
  std::optional<CompileClient> compiler_;
  std::deque<std::shared_ptr<Module>> recent_;  ///< the one that was made last comes first
  Ref hooks_;
  Store* current_ = nullptr;
  Ref keeps_current_;
  std::vector<Store*> retired_;
  std::vector<std::unique_ptr<Extern>> externs_;  ///< by id
  std::vector<std::uint32_t> free_ids_;
};

inline Host& host_of(void* context) { return *static_cast<Host*>(context); }

// The ops; `context` is the Host.
Value op_validate(Engine&, void* context, Args args);
Value op_compile(Engine&, void* context, Args args);
Value op_module_exports(Engine&, void* context, Args args);
Value op_module_imports(Engine&, void* context, Args args);
Value op_custom_sections(Engine&, void* context, Args args);
Value op_instantiate(Engine&, void* context, Args args);
Value op_bind(Engine&, void* context, Args args);
Value op_object(Engine&, void* context, Args args);
Value op_memory_new(Engine&, void* context, Args args);
Value op_memory_buffer(Engine&, void* context, Args args);
Value op_memory_reshape(Engine&, void* context, Args args);
Value op_memory_grow(Engine&, void* context, Args args);
Value op_memory_is64(Engine&, void* context, Args args);
Value op_table_new(Engine&, void* context, Args args);
Value op_table_get(Engine&, void* context, Args args);
Value op_table_set(Engine&, void* context, Args args);
Value op_table_grow(Engine&, void* context, Args args);
Value op_table_size(Engine&, void* context, Args args);
Value op_table_kind(Engine&, void* context, Args args);
Value op_table_is64(Engine&, void* context, Args args);
Value op_tag_new(Engine&, void* context, Args args);
Value op_js_tag(Engine&, void* context, Args args);
Value op_exception_new(Engine&, void* context, Args args);
Value op_exception_bind(Engine&, void* context, Args args);
Value op_exception_is(Engine&, void* context, Args args);
Value op_exception_get(Engine&, void* context, Args args);
Value op_gc_bind(Engine&, void* context, Args args);
Value op_global_new(Engine&, void* context, Args args);
Value op_global_get(Engine&, void* context, Args args);
Value op_global_set(Engine&, void* context, Args args);

/// The compiled module of a handle that op_compile made.
Module& module_of(Host& host, Args args, std::size_t index);

}  // namespace dcp::wasm
