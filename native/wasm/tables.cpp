// WebAssembly.Table and WebAssembly.Global.
#include "wasm/store.hpp"

namespace dcp::wasm {

namespace {

constexpr std::uint32_t kNoMaximum = 0xFFFFFFFF;

// A value of the store that is unrooted at the end of its scope.
struct Rooted {
  explicit Rooted(wasmtime_val_t of) : val(of) {}
  Rooted() : val{} {}
  Rooted(const Rooted&) = delete;
  Rooted& operator=(const Rooted&) = delete;
  ~Rooted() { wt.wasmtime_val_unroot(&val); }
  wasmtime_val_t val;
};

Kind kind_argument(Engine& js, Value value) { return static_cast<Kind>(static_cast<int>(js.as_number(value))); }

}  // namespace

// (Kind of the elements, initial, maximum or -1, value of the elements) -> id
Value op_table_new(Engine& js, void* context, Args args) {
  Host& host = host_of(context);
  Store& store = host.current();
  const Kind kind = kind_argument(js, args[0]);
  const double maximum = js.as_number(args[2]);
  wasm_limits_t limits = {static_cast<std::uint32_t>(js.as_number(args[1])),
                          maximum >= 0 ? static_cast<std::uint32_t>(maximum) : kNoMaximum};
  Rooted initial(store.to_wasm({kind, true}, args[3]));
  wasm_tabletype_t* type = wt.wasm_tabletype_new(new_valtype(kind), &limits);
  wasmtime_extern_t item = {};
  item.kind = WASMTIME_EXTERN_TABLE;
  wasmtime_error_t* error = wt.wasmtime_table_new(store.context(), type, &initial.val, &item.of.table);
  wt.wasm_tabletype_delete(type);
  host.check(error, Failure::range);
  return js.number(store.intern(item));
}

// (id, index) -> element; raises a RangeError.
Value op_table_get(Engine& js, void* context, Args args) {
  Host& host = host_of(context);
  Extern& table = host.item(args, 0, WASMTIME_EXTERN_TABLE);
  Rooted element;
  const auto index = static_cast<std::uint64_t>(js.as_number(args[1]));
  if (!wt.wasmtime_table_get(table.store.context(), &table.item.of.table, index, &element.val)) {
    host.raise(Failure::range, "the index is outside the table");
  }
  return table.store.to_js(element.val);
}

// (id, index, value)
Value op_table_set(Engine& js, void* context, Args args) {
  Host& host = host_of(context);
  Extern& table = host.item(args, 0, WASMTIME_EXTERN_TABLE);
  Rooted element(table.store.to_wasm(table.content, args[2]));
  const auto index = static_cast<std::uint64_t>(js.as_number(args[1]));
  if (index >= wt.wasmtime_table_size(table.store.context(), &table.item.of.table)) {
    host.raise(Failure::range, "the index is outside the table");
  }
  host.check(wt.wasmtime_table_set(table.store.context(), &table.item.of.table, index, &element.val), Failure::type);
  return js.undefined();
}

// (id, count, value) -> earlier size; raises a RangeError.
Value op_table_grow(Engine& js, void* context, Args args) {
  Host& host = host_of(context);
  Extern& table = host.item(args, 0, WASMTIME_EXTERN_TABLE);
  Rooted element(table.store.to_wasm(table.content, args[2]));
  std::uint64_t before = 0;
  const auto count = static_cast<std::uint64_t>(js.as_number(args[1]));
  host.check(wt.wasmtime_table_grow(table.store.context(), &table.item.of.table, count, &element.val, &before),
             Failure::range);
  return js.number(static_cast<double>(before));
}

Value op_table_size(Engine& js, void* context, Args args) {
  Host& host = host_of(context);
  Extern& table = host.item(args, 0, WASMTIME_EXTERN_TABLE);
  return js.number(static_cast<double>(wt.wasmtime_table_size(table.store.context(), &table.item.of.table)));
}

// (id) -> Kind of the elements
Value op_table_kind(Engine& js, void* context, Args args) {
  return js.number(static_cast<int>(host_of(context).item(args, 0, WASMTIME_EXTERN_TABLE).content.kind));
}

// (Kind, is mutable, value) -> id
Value op_global_new(Engine& js, void* context, Args args) {
  Host& host = host_of(context);
  Store& store = host.current();
  const Kind kind = kind_argument(js, args[0]);
  Rooted value(store.to_wasm({kind, true}, args[2]));
  wasm_globaltype_t* type = wt.wasm_globaltype_new(new_valtype(kind), js.truthy(args[1]) ? WASM_VAR : WASM_CONST);
  wasmtime_extern_t item = {};
  item.kind = WASMTIME_EXTERN_GLOBAL;
  wasmtime_error_t* error = wt.wasmtime_global_new(store.context(), type, &value.val, &item.of.global_);
  wt.wasm_globaltype_delete(type);
  host.check(error, Failure::type);
  return js.number(store.intern(item));
}

Value op_global_get(Engine&, void* context, Args args) {
  Host& host = host_of(context);
  Extern& global = host.item(args, 0, WASMTIME_EXTERN_GLOBAL);
  Rooted value;
  wt.wasmtime_global_get(global.store.context(), &global.item.of.global_, &value.val);
  return global.store.to_js(value.val);
}

// (id, value); raises a TypeError for a constant.
Value op_global_set(Engine& js, void* context, Args args) {
  Host& host = host_of(context);
  Extern& global = host.item(args, 0, WASMTIME_EXTERN_GLOBAL);
  if (!global.is_mutable) host.raise(Failure::type, "cannot set the value of an immutable WebAssembly.Global");
  Rooted value(global.store.to_wasm(global.content, args[1]));
  host.check(wt.wasmtime_global_set(global.store.context(), &global.item.of.global_, &value.val), Failure::type);
  return js.undefined();
}

}  // namespace dcp::wasm
