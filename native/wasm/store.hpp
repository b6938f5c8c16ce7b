// One store of wasmtime, and what ties its items to JavaScript's objects.
//
// A store frees nothing before it is deleted. It is deleted when JavaScript can reach none of its items any more: each
// object over an item holds the store's keeper (engine.hpp), and the keeper holds what the store refers to - imported
// functions, external references, the objects over its items - so that the collector sees through cycles that lead
// through wasm. Items of different stores cannot be linked, except functions, which are called through JavaScript.
#pragma once

#include <array>
#include <cstdint>
#include <map>

#include "wasm/host.hpp"

namespace dcp::wasm {

/// A place in a store's keeper.
using Slot = std::optional<std::uint32_t>;

/// What comes with an item; nothing where that is no shared memory.
inline Owned<wasmtime_sharedmemory_t> shared_memory_of(const wasmtime_extern_t& item) {
  return Owned<wasmtime_sharedmemory_t>(item.kind == WASMTIME_EXTERN_SHAREDMEMORY ? item.of.sharedmemory : nullptr);
}

/// An item of a store that JavaScript knows.
struct Extern {
  Extern(Store& of, const wasmtime_extern_t& made) : store(of), item(made), shared_memory(shared_memory_of(made)) {}
  Extern(const Extern&) = delete;
  Extern& operator=(const Extern&) = delete;

  Store& store;
  wasmtime_extern_t item;
  Owned<wasmtime_sharedmemory_t> shared_memory;  ///< the item, where it is one
  ValueType content{Kind::i32};                  ///< of a global or table
  bool is_mutable = false;                       ///< of a global
  bool is64 = false;                             ///< of a table: its addresses
  Slot object;                                   ///< the object of the item, or the function
  Slot buffer;                                   ///< the ArrayBuffer of a memory, while it is attached
  std::size_t buffer_size = 0;                   ///< bytes
  bool resizable = false;                        ///< the buffer grows with the memory; else growth detaches it
};

struct Exception;
struct ExportedFunction;
struct GcObject;

class Store {
 public:
  explicit Store(Host& host);
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;
  ~Store();

  Host& host() { return host_; }
  Engine& js() { return host_.js(); }
  engine::Keeper& keeper() { return keeper_; }
  wasmtime_context_t* context() { return context_; }
  /// JavaScript has forgotten the store, and the keeper is gone.
  bool is_forgotten() const { return forgotten_; }
  /// Whether so much has been made since that a new store had better be begun.
  bool is_crowded() const;
  void count_instance() { ++instances_; }

  // --- Errors ---
  /// Raises what ended a call into wasm: the JavaScript exception that passed through it, or the error of a trap.
  /// Takes ownership of both.
  [[noreturn]] void raise_failure(wasmtime_error_t* error, wasm_trap_t* trap);
  /// Carries an exception of JavaScript through wasm frames; the result is for wasmtime to return.
  std::size_t throw_into_wasm(engine::Thrown thrown);
  /// Whether an exception of JavaScript or of wasm has left a call that failed.
  bool has_thrown() { return host_.pending.has_value() || wt.wasmtime_context_has_exception(context_); }

  // --- Exceptions: exceptions.cpp ---
  wasmtime_tag_t& js_tag();
  std::vector<Exception*>& exceptions() { return exceptions_; }
  /// The tag with this id, which is of this store or kJsTagId.
  wasmtime_tag_t& tag(std::uint32_t id);

  // --- Values: values.cpp ---
  RootedValue to_wasm(ValueType type, Value value);
  Value to_js(const wasmtime_val_t& value);
  std::map<std::uint32_t, GcObject*>& gc_objects() { return gc_objects_; }
  wasmtime_val_raw_t to_raw(Kind kind, Value value);
  Value from_raw(Kind kind, const wasmtime_val_raw_t& value);
  Value extern_to_js(std::uint32_t raw);
  std::uint32_t extern_to_raw(Value value);

  // --- Items ---
  /// Takes ownership of a shared memory.
  std::uint32_t intern(const wasmtime_extern_t& item);
  /// The id of a tag that has just been made.
  std::uint32_t add_tag(const wasmtime_tag_t& tag);

  // --- Functions: functions.cpp ---
  /// `index`: the function's index in its module, which names it; negative: unknown.
  Value intern_function(const wasmtime_func_t& function, std::int64_t index = -1);
  /// A new function of the store that calls `callable`.
  wasmtime_func_t host_function(Value callable, wasm_functype_t* type);
  /// A function of this store for the exported function with this id: itself, or one that calls it.
  wasmtime_func_t function(std::uint32_t id);
  ExportedFunction& exported(std::uint32_t index) { return *exported_[index]; }

  // --- Memory.buffer ---
  Value buffer(Extern& memory);
  /// The buffer, resizable or of a fixed length from now on; one of the other kind is detached.
  Value reshape(Extern& memory, bool resizable);
  void detach(Extern& memory);
  /// The memory has grown: its buffer is detached, or grows too.
  void refresh(Extern& memory);
  /// Refreshes the buffers of memories that have grown. Called after each call into wasm and on entry to each import.
  void refresh_buffers() {
    if (host_.regions().take_grown()) refresh_grown();
  }

 private:
  using Key = std::array<std::uint32_t, 4>;
  using FunctionKey = std::pair<const void*, const void*>;

  static FunctionKey function_key(const wasmtime_func_t& function);
  void count_reference(Value value);

  // gc_objects.cpp
  struct Converters {
    wasmtime_func_t internalize;  ///< any.convert_extern
    wasmtime_func_t externalize;  ///< extern.convert_any
  };
  Converters& converters();
  RootedValue any_to_wasm(ValueType type, Value value);
  std::optional<RootedValue> inner_to_wasm(ValueType type, Value value);
  std::optional<RootedValue> externalize(Value value);
  Value any_to_js(wasmtime_anyref_t reference);
  Value disguised_to_js(wasmtime_externref_t reference);
  Value gc_object(wasmtime_anyref_t reference);

  struct SeenReference {
    std::uint32_t raw = 0;  ///< 0: none
    std::uint32_t slot = 0;
    Rooted<wasmtime_externref_t> reference;
  };
  static constexpr std::uint32_t kReferenceSize = 16;  ///< bytes at least, in wasmtime's heap

  std::uint32_t intern_tag(const wasmtime_extern_t& item);
  void describe(Extern& made);
  std::size_t memory_size(const Extern& memory);
  std::size_t memory_limit(const Extern& memory);
  void refresh_grown();
  wasm_trap_t* exception_for(Value thrown);
  Value thrown_value(Rooted<wasmtime_exnref_t> reference);

  Host& host_;
  engine::Keeper& keeper_;
  Owned<wasmtime_store_t> store_;
  wasmtime_context_t* context_;
  bool forgotten_ = false;
  std::size_t instances_ = 0;
  std::size_t referenced_ = 0;  ///< bytes, roughly, of what externrefs made since the last collection refer to
  std::size_t regions_before_;  ///< how many memories had been made when this store was
  std::optional<wasmtime_tag_t> js_tag_;
  std::vector<Exception*> exceptions_;             ///< those that JavaScript holds
  std::map<std::uint32_t, GcObject*> gc_objects_;  ///< those that JavaScript holds, by their raw reference
  std::size_t gc_objects_made_ = 0;
  std::optional<Converters> converters_;
  std::array<SeenReference, 8> seen_;
  std::vector<std::unique_ptr<ExportedFunction>> exported_;
  std::map<Key, std::uint32_t> interned_;
  std::map<FunctionKey, std::uint32_t> functions_;
  std::map<std::uint32_t, wasmtime_func_t> foreign_;  ///< functions of other stores, by id
  std::vector<std::uint32_t> tags_;
  std::vector<std::uint32_t> attached_;  // memories that have had a buffer
};

/// Calls an exported function; `store` and `index` say which. A BoundOp.
Value call_export(Engine& js, void* store, std::uint32_t index, Args args);

}  // namespace dcp::wasm
