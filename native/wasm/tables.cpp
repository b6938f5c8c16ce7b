// WebAssembly.Table and WebAssembly.Global.
#include <memory>
#include <optional>
#include <string>

#include "wasm/item_modules.hpp"

namespace dcp::wasm {

namespace {

constexpr std::uint32_t kNoMaximum = 0xFFFFFFFF;

// The C API's table types have 32 bits.
wasmtime_extern_t make_table64(Store& store, Kind kind, std::uint64_t initial, std::optional<std::uint64_t> maximum) {
  Host& host = store.host();
  constexpr char funcref = 0x70, externref = 0x6F;
  const std::string type(1, kind == Kind::funcref ? funcref : externref);
  const Owned<wasmtime_module_t> module = item_module(host, 4, type, 4, initial, maximum, 1);
  wasmtime_instance_t instance = {};
  wasm_trap_t* trap = nullptr;
  host.check(wt.wasmtime_instance_new(store.context(), module.get(), nullptr, 0, &instance, &trap), Failure::range);
  return first_export(store, instance);
}

// (Kind, initial, maximum or -1, value) -> id
Value new_table64(Store& store, Args args, Kind kind, wasmtime_val_t& value) {
  Engine& js = store.js();
  const double maximum = js.as_number(args[2]);
  const auto limit = maximum < 0 ? std::nullopt : std::optional(static_cast<std::uint64_t>(maximum));
  const auto initial = static_cast<std::uint64_t>(js.as_number(args[1]));
  wasmtime_extern_t table = make_table64(store, kind, initial, limit);
  if (js.kind(args[3]) != engine::Kind::null) {
    for (std::uint64_t i = 0; i < initial; ++i) {
      store.host().check(wt.wasmtime_table_set(store.context(), &table.of.table, i, &value), Failure::range);
    }
  }
  const std::uint32_t id = store.intern(table);
  store.host().item(id).is64 = true;
  return js.number(id);
}

Kind kind_argument(Engine& js, Value value) { return static_cast<Kind>(static_cast<int>(js.as_number(value))); }

}  // namespace

// (Kind of the elements, initial, maximum or -1, value of the elements, is64) -> id
Value op_table_new(Engine& js, void* context, Args args) {
  Host& host = host_of(context);
  Store& store = host.current();
  const Kind kind = kind_argument(js, args[0]);
  RootedValue initial = store.to_wasm({kind, true}, args[3]);
  if (js.truthy(args[4])) return new_table64(store, args, kind, *initial);
  const double maximum = js.as_number(args[2]);
  wasm_limits_t limits = {static_cast<std::uint32_t>(js.as_number(args[1])),
                          maximum >= 0 ? static_cast<std::uint32_t>(maximum) : kNoMaximum};
  const Owned<wasm_tabletype_t> type(wt.wasm_tabletype_new(new_valtype(kind), &limits));
  wasmtime_extern_t item = {};
  item.kind = WASMTIME_EXTERN_TABLE;
  host.check(wt.wasmtime_table_new(store.context(), type.get(), initial.get(), &item.of.table), Failure::range);
  return js.number(store.intern(item));
}

// (id, index) -> element; raises a RangeError.
Value op_table_get(Engine& js, void* context, Args args) {
  Host& host = host_of(context);
  Extern& table = host.item(args, 0, WASMTIME_EXTERN_TABLE);
  RootedValue element;
  const auto index = static_cast<std::uint64_t>(js.as_number(args[1]));
  if (!wt.wasmtime_table_get(table.store.context(), &table.item.of.table, index, element.fill())) {
    host.raise(Failure::range, "the index is outside the table");
  }
  return table.store.to_js(*element);
}

// (id, index, value)
Value op_table_set(Engine& js, void* context, Args args) {
  Host& host = host_of(context);
  Extern& table = host.item(args, 0, WASMTIME_EXTERN_TABLE);
  RootedValue element = table.store.to_wasm(table.content, args[2]);
  const auto index = static_cast<std::uint64_t>(js.as_number(args[1]));
  if (index >= wt.wasmtime_table_size(table.store.context(), &table.item.of.table)) {
    host.raise(Failure::range, "the index is outside the table");
  }
  host.check(wt.wasmtime_table_set(table.store.context(), &table.item.of.table, index, element.get()), Failure::type);
  return js.undefined();
}

// (id, count, value) -> earlier size; raises a RangeError.
Value op_table_grow(Engine& js, void* context, Args args) {
  Host& host = host_of(context);
  Extern& table = host.item(args, 0, WASMTIME_EXTERN_TABLE);
  RootedValue element = table.store.to_wasm(table.content, args[2]);
  std::uint64_t before = 0;
  const auto count = static_cast<std::uint64_t>(js.as_number(args[1]));
  host.check(wt.wasmtime_table_grow(table.store.context(), &table.item.of.table, count, element.get(), &before),
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

Value op_table_is64(Engine& js, void* context, Args args) {
  return js.boolean(host_of(context).item(args, 0, WASMTIME_EXTERN_TABLE).is64);
}

// (Kind, is mutable, value) -> id
Value op_global_new(Engine& js, void* context, Args args) {
  Host& host = host_of(context);
  Store& store = host.current();
  const Kind kind = kind_argument(js, args[0]);
  RootedValue value = store.to_wasm({kind, true}, args[2]);
  const Owned<wasm_globaltype_t> type(
      wt.wasm_globaltype_new(new_valtype(kind), js.truthy(args[1]) ? WASM_VAR : WASM_CONST));
  wasmtime_extern_t item = {};
  item.kind = WASMTIME_EXTERN_GLOBAL;
  host.check(wt.wasmtime_global_new(store.context(), type.get(), value.get(), &item.of.global_), Failure::type);
  return js.number(store.intern(item));
}

Value op_global_get(Engine&, void* context, Args args) {
  Host& host = host_of(context);
  Extern& global = host.item(args, 0, WASMTIME_EXTERN_GLOBAL);
  RootedValue value;
  wt.wasmtime_global_get(global.store.context(), &global.item.of.global_, value.fill());
  return global.store.to_js(*value);
}

// (id, value); raises a TypeError for a constant.
Value op_global_set(Engine& js, void* context, Args args) {
  Host& host = host_of(context);
  Extern& global = host.item(args, 0, WASMTIME_EXTERN_GLOBAL);
  if (!global.is_mutable) host.raise(Failure::type, "cannot set the value of an immutable WebAssembly.Global");
  RootedValue value = global.store.to_wasm(global.content, args[1]);
  host.check(wt.wasmtime_global_set(global.store.context(), &global.item.of.global_, value.get()), Failure::type);
  return js.undefined();
}

}  // namespace dcp::wasm
