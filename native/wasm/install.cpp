#include "wasm/host.hpp"

namespace dcp::wasm {

namespace {

Value op_setup(Engine& js, void* context, Args args) {
  host_of(context).set_hooks(args[0]);
  return js.undefined();
}

Value op_memory_used(Engine& js, void* context, Args) {
  return js.number(static_cast<double>(host_of(context).regions().used()));
}

struct Op {
  const char* name;
  int length;
  engine::Op call;
};

constexpr Op kOps[] = {
    {"wasmSetup", 1, op_setup},
    {"wasmMemoryUsed", 0, op_memory_used},
    {"wasmValidate", 3, op_validate},
    {"wasmCompile", 3, op_compile},
    {"wasmModuleExports", 1, op_module_exports},
    {"wasmModuleImports", 1, op_module_imports},
    {"wasmCustomSections", 2, op_custom_sections},
    {"wasmInstantiate", 2, op_instantiate},
    {"wasmBind", 2, op_bind},
    {"wasmObject", 1, op_object},
    {"wasmMemoryNew", 4, op_memory_new},
    {"wasmMemoryBuffer", 1, op_memory_buffer},
    {"wasmMemoryReshape", 2, op_memory_reshape},
    {"wasmMemoryGrow", 2, op_memory_grow},
    {"wasmMemoryIs64", 1, op_memory_is64},
    {"wasmTableNew", 5, op_table_new},
    {"wasmTableGet", 2, op_table_get},
    {"wasmTableSet", 3, op_table_set},
    {"wasmTableGrow", 3, op_table_grow},
    {"wasmTableSize", 1, op_table_size},
    {"wasmTableKind", 1, op_table_kind},
    {"wasmTableIs64", 1, op_table_is64},
    {"wasmGcBind", 2, op_gc_bind},
    {"wasmTagNew", 1, op_tag_new},
    {"wasmJsTag", 0, op_js_tag},
    {"wasmExceptionNew", 2, op_exception_new},
    {"wasmExceptionBind", 2, op_exception_bind},
    {"wasmExceptionIs", 2, op_exception_is},
    {"wasmExceptionGet", 2, op_exception_get},
    {"wasmGlobalNew", 3, op_global_new},
    {"wasmGlobalGet", 1, op_global_get},
    {"wasmGlobalSet", 2, op_global_set},
};

}  // namespace

runtime::WebAssembly& install(runtime::Runtime& runtime, const std::string& library_path, const Options& options) {
  wasmtime::open_library(library_path);
  // Lives until the process ends: wasm.hpp says why.
  Host* host = new Host(runtime.engine(), options);
  for (const Op& op : kOps) runtime.add_op(op.name, op.length, op.call, host);
  return *host;
}

}  // namespace dcp::wasm
