// Instantiation: imports in, exports out.
#include "wasm/modules.hpp"
#include "wasm/store.hpp"
#include "wasm/string_builtins.hpp"

namespace dcp::wasm {

namespace {

// One import: the id of an item, a function of JavaScript, the name of a string builtin, or [value] for a global to be
// made of a plain value.
wasmtime_extern_t import_of(Store& store, Value given, wasm_externtype_t* type) {
  Engine& js = store.js();
  wasmtime_extern_t item = {};
  if (js.kind(given) == engine::Kind::number) {
    const auto id = static_cast<std::uint32_t>(js.as_number(given));
    if (id == kJsTagId) {
      item.kind = WASMTIME_EXTERN_TAG;
      item.of.tag = store.js_tag();
      return item;
    }
    item = store.host().item(id).item;
    if (item.kind == WASMTIME_EXTERN_FUNC) item.of.func = store.function(id);
    return item;
  }
  if (wasm_functype_t* function = wt.wasm_externtype_as_functype(type)) {
    item.kind = WASMTIME_EXTERN_FUNC;
    const bool builtin = js.kind(given) == engine::Kind::string;
    item.of.func =
        builtin ? string_builtin(store, js.to_string(given), function) : store.host_function(given, function);
    return item;
  }
  wasm_globaltype_t* declared = wt.wasm_externtype_as_globaltype(type);
  if (declared == nullptr) store.host().raise(Failure::link, "an import of a wrong kind");
  wasm_valtype_t* content = wt.wasm_globaltype_content(declared);
  RootedValue value = store.to_wasm(value_type(content), js.get(given, 0u));
  const Owned<wasm_globaltype_t> constant(wt.wasm_globaltype_new(wt.wasm_valtype_copy(content), WASM_CONST));
  item.kind = WASMTIME_EXTERN_GLOBAL;
  store.host().check(wt.wasmtime_global_new(store.context(), constant.get(), value.get(), &item.of.global_),
                     Failure::link);
  return item;
}

// The store of the items among the imports; of functions only where there is nothing else; else the current one.
Store& home_of(Host& host, Value given) {
  Engine& js = host.js();
  Store* home = nullptr;
  Store* of_function = nullptr;
  const std::uint64_t count = js.length(given);
  for (std::uint32_t i = 0; i < count; ++i) {
    const Value import = js.get(given, i);
    const double id = js.as_number(import);
    if (js.kind(import) != engine::Kind::number || id == kJsTagId) continue;
    const Extern& item = host.item(static_cast<std::uint32_t>(id));
    if (item.item.kind == WASMTIME_EXTERN_FUNC) {
      of_function = &item.store;
    } else if (home != nullptr && home != &item.store) {
      host.raise(Failure::link,
                 "memories, tables, globals and tags that are linked must be made close to each other in time: this "
                 "sandbox has made very many since");
    } else {
      home = &item.store;
    }
  }
  return home != nullptr ? *home : of_function != nullptr ? *of_function : host.fresh();
}

std::vector<wasmtime_extern_t> imports_of(Store& store, Module& module, Value given) {
  const ImportTypes imports(module);
  std::vector<wasmtime_extern_t> items;
  items.reserve(imports.size());
  for (wasm_importtype_t* declared : imports) {
    const Value value = store.js().get(given, static_cast<std::uint32_t>(items.size()));
    items.push_back(import_of(store, value, wt.wasm_importtype_type(declared)));
  }
  return items;
}

// By name: wasmtime makes every export before the nth to find that one.
Value exports_of(Store& store, Module& module, wasmtime_instance_t instance) {
  std::vector<Value> exports;
  wasmtime_extern_t item = {};
  const auto& [functions, tables64] = module.exports();
  for (wasm_exporttype_t* declared : ExportTypes(module)) {
    const std::size_t i = exports.size();
    const wasm_name_t* name = wt.wasm_exporttype_name(declared);
    wt.wasmtime_instance_export_get(store.context(), &instance, reinterpret_cast<const char*>(name->data), name->size,
                                    &item);
    if (item.kind == WASMTIME_EXTERN_FUNC) {
      exports.push_back(store.intern_function(item.of.func, i < functions.size() ? functions[i] : -1));
    } else {
      const std::uint32_t id = store.intern(item);
      if (item.kind == WASMTIME_EXTERN_TABLE) store.host().item(id).is64 = i < tables64.size() && tables64[i];
      exports.push_back(store.js().number(id));
    }
  }
  return store.js().array(exports);
}

// Nothing where a memory was refused and it is worth another try. A scope of its own, so that no handle that is left
// from the first try keeps the store.
std::optional<Ref> instantiate(Host& host, Module& module, Value given, bool last) {
  const engine::Scope scope(host.js());
  Store& store = home_of(host, given);
  const Ref keeps(host.js(), store.keeper().object());
  std::vector<wasmtime_extern_t> imports = imports_of(store, module, given);
  wasmtime_instance_t instance = {};
  wasm_trap_t* trap = nullptr;
  host.regions().take_refused();
  Owned<wasmtime_error_t> error(
      wt.wasmtime_instance_new(store.context(), module.module.get(), imports.data(), imports.size(), &instance, &trap));
  store.count_instance();
  if (trap != nullptr || (error && store.has_thrown())) store.raise_failure(error.release(), trap);
  if (!error) {
    store.refresh_buffers();
    return Ref(host.js(), exports_of(store, module, instance));
  }
  const bool refused = host.regions().take_refused();
  if (!refused || last) host.check(error.release(), refused ? Failure::range : Failure::link);
  return std::nullopt;
}

}  // namespace

// (module, imports in the module's order) -> exports in the module's order: functions, and ids of the rest.
Value op_instantiate(Engine&, void* context, Args args) {
  Host& host = host_of(context);
  Module& module = module_of(host, args, 0);
  auto exports = instantiate(host, module, args[1], false);
  if (!exports) {
    host.free_memory();
    exports = instantiate(host, module, args[1], true);
  }
  return exports->get();
}

}  // namespace dcp::wasm
