// The WebAssembly host of one sandbox: engine, store, and what ties their objects to JavaScript's.
//
// Memories, tables, globals, tags and exported functions are known to JavaScript by an id, the index in a list that
// only grows: the store frees nothing before the process ends. runtime/js/webassembly.js keeps one object for an id.
#pragma once

#include <array>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/engine.hpp"
#include "wasm/compile_client.hpp"
#include "wasm/regions.hpp"
#include "wasm/types.hpp"
#include "wasm/wasm.hpp"

namespace dcp::wasm {

using engine::Engine;
using engine::Ref;
using engine::Value;
using Args = std::span<const Value>;

/// Which class of error runtime/js/webassembly.js makes.
enum class Failure { compile, link, runtime, range, type };

/// An item of the store that JavaScript knows.
struct Extern {
  wasmtime_extern_t item = {};
  ValueType content{Kind::i32};  ///< of a global or table
  bool is_mutable = false;       ///< of a global
  Ref function;                  ///< the JavaScript function of an exported function
  Ref buffer;                    ///< the ArrayBuffer of a memory, while it is attached
  std::size_t buffer_size = 0;   ///< bytes
};

struct Exception;
struct Module;

class Host {
 public:
  Host(Engine& js, const Options& options);
  Host(const Host&) = delete;
  Host& operator=(const Host&) = delete;

  Engine& js() { return js_; }
  wasm_engine_t* engine() { return engine_; }
  /// Makes the store at the first call.
  wasmtime_context_t* context();
  Regions& regions() { return regions_; }

  // --- Modules: modules.cpp ---
  /// From now on modules are compiled outside of this process.
  void use_compiler(CompileClient::Connect connect);
  /// Raises a CompileError.
  std::shared_ptr<Module> compile(std::span<const std::byte> wasm);
  std::shared_ptr<Module> compile_anew(std::uint64_t key, std::span<const std::byte> wasm);

  // --- Errors ---
  /// Functions of webassembly.js that the ops call.
  void set_hooks(Value hooks);
  Value call_hook(std::string_view name, Args args);
  [[noreturn]] void raise(Failure failure, std::string_view message, std::string_view frames = {});
  /// Raises what ended a call into wasm: the JavaScript exception that passed through it, or the error of a trap.
  /// Takes ownership of both.
  [[noreturn]] void raise_failure(wasmtime_error_t* error, wasm_trap_t* trap);
  /// Carries an exception of JavaScript through wasm frames; the result is for wasmtime to return.
  std::size_t throw_into_wasm(engine::Thrown thrown);
  /// Whether an exception of JavaScript or of wasm has left a call that failed.
  bool has_thrown() { return pending_.has_value() || wt.wasmtime_context_has_exception(context()); }
  /// Raises `failure` with the error's message, if there is an error.
  void check(wasmtime_error_t* error, Failure failure);

  // --- Exceptions: exceptions.cpp ---
  wasmtime_tag_t& js_tag();
  std::vector<Exception*>& exceptions() { return exceptions_; }

  // --- Values ---
  wasmtime_val_t to_wasm(ValueType type, Value value);
  Value to_js(const wasmtime_val_t& value);
  wasmtime_val_raw_t to_raw(Kind kind, Value value);
  Value from_raw(Kind kind, const wasmtime_val_raw_t& value);
  /// The id of an exported function, or nothing for every other value.
  std::optional<std::uint32_t> function_id(Value value);

  // --- Items ---
  Extern& item(std::uint32_t id) { return *externs_.at(id); }
  /// The item that an op's argument names; raises a TypeError for a wrong kind (a fault of webassembly.js).
  Extern& item(Args args, std::size_t index, std::uint8_t kind);
  std::uint32_t intern(const wasmtime_extern_t& item);
  /// The id of a tag that has just been made.
  std::uint32_t add_tag(const wasmtime_tag_t& tag);
  /// `index`: the function's index in its module, which names it; negative: unknown.
  Value intern_function(const wasmtime_func_t& function, std::int64_t index = -1);
  /// A new function of the store that calls `callable`.
  wasmtime_func_t host_function(Value callable, wasm_functype_t* type);

  // --- Memory.buffer ---
  Value buffer(Extern& memory);
  void detach(Extern& memory);
  /// Detaches the buffers of memories that have grown. Called after each call into wasm and on entry to each import.
  void refresh_buffers() {
    if (regions_.take_grown()) detach_grown();
  }

 private:
  using Key = std::array<std::uint32_t, 4>;
  using FunctionKey = std::pair<const void*, const void*>;

  static FunctionKey function_key(const wasmtime_func_t& function);
  std::uint32_t intern_tag(const wasmtime_extern_t& item);
  std::uint32_t add(const wasmtime_extern_t& item);
  std::size_t memory_size(const Extern& memory);
  void detach_grown();
  [[noreturn]] void raise_trap(wasm_trap_t* trap);
  [[noreturn]] void raise_pending();
  wasm_trap_t* exception_for(Value thrown);
  Value thrown_value(wasmtime_exnref_t reference);

  Engine& js_;
  Regions regions_;
  wasm_engine_t* engine_ = nullptr;
  std::uint64_t settings_ = 0;  ///< wasmtime::fingerprint
  std::optional<CompileClient> compiler_;
  std::deque<std::shared_ptr<Module>> recent_;  ///< the one that was made last comes first
  wasmtime_store_t* store_ = nullptr;
  wasmtime_context_t* context_ = nullptr;
  Ref hooks_;
  std::optional<engine::Thrown> pending_;
  std::optional<wasmtime_tag_t> js_tag_;
  std::vector<Exception*> exceptions_;  // those that JavaScript holds
  std::vector<std::unique_ptr<Extern>> externs_;
  std::map<Key, std::uint32_t> interned_;
  std::map<FunctionKey, std::uint32_t> functions_;
  std::vector<std::uint32_t> tags_;
  std::vector<std::uint32_t> attached_;  // memories that have had a buffer
};

// Calls between the two worlds: functions.cpp.
Value call_export(Engine& js, void* context, Args args);

// The ops; `context` is the Host.
Value op_validate(Engine&, void* context, Args args);
Value op_compile(Engine&, void* context, Args args);
Value op_module_exports(Engine&, void* context, Args args);
Value op_module_imports(Engine&, void* context, Args args);
Value op_custom_sections(Engine&, void* context, Args args);
Value op_instantiate(Engine&, void* context, Args args);
Value op_memory_new(Engine&, void* context, Args args);
Value op_memory_buffer(Engine&, void* context, Args args);
Value op_memory_grow(Engine&, void* context, Args args);
Value op_memory_is64(Engine&, void* context, Args args);
Value op_table_new(Engine&, void* context, Args args);
Value op_table_get(Engine&, void* context, Args args);
Value op_table_set(Engine&, void* context, Args args);
Value op_table_grow(Engine&, void* context, Args args);
Value op_table_size(Engine&, void* context, Args args);
Value op_table_kind(Engine&, void* context, Args args);
Value op_tag_new(Engine&, void* context, Args args);
Value op_js_tag(Engine&, void* context, Args args);
Value op_exception_new(Engine&, void* context, Args args);
Value op_exception_bind(Engine&, void* context, Args args);
Value op_exception_is(Engine&, void* context, Args args);
Value op_exception_get(Engine&, void* context, Args args);
Value op_global_new(Engine&, void* context, Args args);
Value op_global_get(Engine&, void* context, Args args);
Value op_global_set(Engine&, void* context, Args args);

inline Host& host_of(void* context) { return *static_cast<Host*>(context); }

/// The compiled module of a handle that op_compile made.
Module& module_of(Host& host, Args args, std::size_t index);

}  // namespace dcp::wasm
