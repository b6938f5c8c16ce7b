// Instantiation: imports in, exports out.
#include "wasm/modules.hpp"

namespace dcp::wasm {

namespace {

// One import: the id of an item, a function of JavaScript, or [value] for a global to be made of a plain value.
wasmtime_extern_t import_of(Host& host, Value given, wasm_externtype_t* type) {
  Engine& js = host.js();
  wasmtime_extern_t item = {};
  if (js.kind(given) == engine::Kind::number) {
    return host.item(static_cast<std::uint32_t>(js.as_number(given))).item;
  }
  if (wasm_functype_t* function = wt.wasm_externtype_as_functype(type)) {
    item.kind = WASMTIME_EXTERN_FUNC;
    item.of.func = host.host_function(given, function);
    return item;
  }
  wasm_globaltype_t* declared = wt.wasm_externtype_as_globaltype(type);
  if (declared == nullptr) host.raise(Failure::link, "an import of a wrong kind");
  wasm_valtype_t* content = wt.wasm_globaltype_content(declared);
  wasmtime_val_t value = host.to_wasm(value_type(content), js.get(given, 0u));
  wasm_globaltype_t* constant = wt.wasm_globaltype_new(wt.wasm_valtype_copy(content), WASM_CONST);
  item.kind = WASMTIME_EXTERN_GLOBAL;
  wasmtime_error_t* error = wt.wasmtime_global_new(host.context(), constant, &value, &item.of.global_);
  wt.wasm_globaltype_delete(constant);
  wt.wasmtime_val_unroot(&value);
  host.check(error, Failure::link);
  return item;
}

struct ImportTypes {
  explicit ImportTypes(wasmtime_module_t* module) { wt.wasmtime_module_imports(module, &types); }
  ImportTypes(const ImportTypes&) = delete;
  ImportTypes& operator=(const ImportTypes&) = delete;
  ~ImportTypes() { wt.wasm_importtype_vec_delete(&types); }
  wasm_importtype_vec_t types;
};

std::vector<wasmtime_extern_t> imports_of(Host& host, Module& module, Value given) {
  const ImportTypes imports(module.module);
  std::vector<wasmtime_extern_t> items;
  items.reserve(imports.types.size);
  for (std::size_t i = 0; i < imports.types.size; ++i) {
    wasm_externtype_t* type = wt.wasm_importtype_type(imports.types.data[i]);
    items.push_back(import_of(host, host.js().get(given, static_cast<std::uint32_t>(i)), type));
  }
  return items;
}

Value exports_of(Host& host, Module& module, wasmtime_instance_t instance) {
  std::vector<Value> exports;
  char* name = nullptr;
  std::size_t length = 0;
  wasmtime_extern_t item = {};
  const auto& functions = module.function_indices;
  for (std::size_t i = 0; wt.wasmtime_instance_export_nth(host.context(), &instance, i, &name, &length, &item); ++i) {
    if (item.kind == WASMTIME_EXTERN_FUNC) {
      exports.push_back(host.intern_function(item.of.func, i < functions.size() ? functions[i] : -1));
    } else {
      exports.push_back(host.js().number(host.intern(item)));
    }
  }
  return host.js().array(exports);
}

}  // namespace

// (module, imports in the module's order) -> exports in the module's order: functions, and ids of the rest.
Value op_instantiate(Engine&, void* context, Args args) {
  Host& host = host_of(context);
  Module& module = module_of(host, args, 0);
  std::vector<wasmtime_extern_t> imports = imports_of(host, module, args[1]);
  host.regions().take_refused();
  wasmtime_instance_t instance = {};
  wasm_trap_t* trap = nullptr;
  wasmtime_error_t* error =
      wt.wasmtime_instance_new(host.context(), module.module, imports.data(), imports.size(), &instance, &trap);
  if (trap != nullptr || (error != nullptr && host.has_thrown())) host.raise_failure(error, trap);
  if (error != nullptr) {
    host.check(error, host.regions().take_refused() ? Failure::range : Failure::link);
  }
  host.refresh_buffers();
  return exports_of(host, module, instance);
}

}  // namespace dcp::wasm
