// WebAssembly.validate, compile and what Module tells.
#include "wasm/modules.hpp"

#include <cstring>
#include <map>

#include "binary/legacy_exceptions.hpp"
#include "binary/limits.hpp"
#include "binary/string_imports.hpp"

namespace dcp::wasm {

namespace {

const char kModuleTag = 0;
constexpr std::size_t kMostRecent = 32;

// The bytes of a BufferSource; none for a detached one. webassembly-idl.js has checked that it is one.
std::span<const std::byte> bytes_of(Host& host, Args args) {
  const auto view = args.empty() ? std::nullopt : host.js().buffer_view(args[0]);
  if (!view) return {};
  return {view->data, view->size};
}

// What webassembly-strings.js makes of the compile options, from args[1]: whether "js-string" is on, the module of
// constants.
binary::StringImports string_imports(Engine& js, Args args) {
  binary::StringImports provided;
  provided.builtins = args.size() > 1 && js.truthy(args[1]);
  if (args.size() > 2 && js.kind(args[2]) == engine::Kind::string) provided.constants = js.to_string(args[2]);
  return provided;
}

bool same_bytes(std::span<const std::byte> a, std::span<const std::byte> b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size()) == 0;
}

std::uint8_t* data_of(std::span<const std::byte> bytes) {
  return const_cast<std::uint8_t*>(reinterpret_cast<const std::uint8_t*>(bytes.data()));
}

std::string_view text_of(const wasm_name_t* name) {
  return name == nullptr ? std::string_view() : std::string_view(reinterpret_cast<const char*>(name->data), name->size);
}

// The ImportExportKind of the JavaScript API.
const char* extern_kind_name(wasm_externtype_t* type) {
  switch (wt.wasm_externtype_kind(type)) {
    case WASM_EXTERN_FUNC:
      return "function";
    case WASM_EXTERN_GLOBAL:
      return "global";
    case WASM_EXTERN_TABLE:
      return "table";
    case WASM_EXTERN_MEMORY:
      return "memory";
    default:
      return "tag";
  }
}

// What an import of a global takes, for webassembly-instance.js: the type's name.
Value content_of(Engine& js, wasm_externtype_t* type) {
  wasm_globaltype_t* global = wt.wasm_externtype_as_globaltype(type);
  if (global == nullptr) return js.undefined();
  return js.string(kind_name(value_type(wt.wasm_globaltype_content(global)).kind));
}

}  // namespace

Module::Module(std::uint64_t content_key, CompileClient::Module compiled)
    : key(content_key), module(std::move(compiled.module)), mapped_(std::move(compiled.wasm)) {}

Module::Module(std::uint64_t content_key, Owned<wasmtime_module_t> compiled, std::span<const std::byte> wasm)
    : key(content_key), module(std::move(compiled)), copied_(wasm.begin(), wasm.end()) {}

const Module::Exports& Module::exports() {
  if (!exports_) exports_.emplace(Exports{binary::exported_functions(wasm()), binary::exported_tables64(wasm())});
  return *exports_;
}

Module& module_of(Host& host, Args args, std::size_t index) {
  void* pointer = index < args.size() ? host.js().handle_pointer(args[index], &kModuleTag) : nullptr;
  if (pointer == nullptr) host.raise(Failure::type, "no compiled WebAssembly module");
  return **static_cast<std::shared_ptr<Module>*>(pointer);
}

Value op_validate(Engine& js, void* context, Args args) {
  Host& host = host_of(context);
  const auto bytes = bytes_of(host, args);
  if (!binary::exceeded_limit(bytes).empty()) return js.boolean(false);
  const auto translated = binary::translate_legacy_exceptions(bytes);
  const auto wasm = translated ? std::span<const std::byte>(*translated) : bytes;
  const Owned<wasmtime_error_t> error(wt.wasmtime_module_validate(host.engine(), data_of(wasm), wasm.size()));
  if (error) return js.boolean(false);
  const auto provided = string_imports(js, args);
  return js.boolean(!provided.any() || binary::mismatched_import(bytes, provided).empty());
}

// A job that compiles the same module for each slice gets the one that it has.
std::shared_ptr<Module> Host::compile(std::span<const std::byte> wasm) {
  if (const std::string excess = binary::exceeded_limit(wasm); !excess.empty()) raise(Failure::compile, excess);
  ipc::bring_in(wasm);
  const std::uint64_t key = cache::content_key(wasm);
  for (const auto& module : recent_) {
    if (module->key == key && same_bytes(module->wasm(), wasm)) return module;
  }
  recent_.push_front(compile_anew(key, wasm));
  if (recent_.size() > kMostRecent) recent_.pop_back();
  return recent_.front();
}

// Inside the zygote, while the start-up files load, there is no compiler yet; those files are the operator's.
std::shared_ptr<Module> Host::compile_anew(std::uint64_t key, std::span<const std::byte> wasm) {
  if (compiler_) {
    try {
      return std::make_shared<Module>(key, compiler_->compile(wasm));
    } catch (const CompileFailure& failure) {
      raise(Failure::compile, failure.what());
    }
  }
  const auto translated = binary::translate_legacy_exceptions(wasm);
  const auto code = translated ? std::span<const std::byte>(*translated) : wasm;
  wasmtime_module_t* compiled = nullptr;
  check(wt.wasmtime_module_new(engine(), data_of(code), code.size(), &compiled), Failure::compile);
  return std::make_shared<Module>(key, Owned<wasmtime_module_t>(compiled), wasm);
}

// (bytes, whether "js-string" is on, module of string constants) -> handle of a Module; raises a CompileError.
Value op_compile(Engine& js, void* context, Args args) {
  Host& host = host_of(context);
  const auto bytes = bytes_of(host, args);
  if (bytes.empty()) host.raise(Failure::compile, "the BufferSource is empty");
  auto module = std::make_unique<std::shared_ptr<Module>>(host.compile(bytes));
  if (const auto provided = string_imports(js, args); provided.any()) {
    const std::string mismatch = binary::mismatched_import((*module)->wasm(), provided);
    if (!mismatch.empty()) host.raise(Failure::compile, mismatch);
  }
  const Value handle = js.handle(&kModuleTag, module.get(),
                                 [](void* pointer) { delete static_cast<std::shared_ptr<Module>*>(pointer); });
  (void)module.release();
  return handle;
}

// (module) -> [name, kind, name, kind, ...]
Value op_module_exports(Engine& js, void* context, Args args) {
  Module& module = module_of(host_of(context), args, 0);
  std::vector<Value> items;
  std::map<std::string_view, Value> kinds;  // one string for each: modules with thousands of exports are common
  for (wasm_exporttype_t* declared : ExportTypes(module)) {
    items.push_back(js.string(text_of(wt.wasm_exporttype_name(declared))));
    const std::string_view kind = extern_kind_name(wt.wasm_exporttype_type(declared));
    const auto found = kinds.find(kind);
    items.push_back(found != kinds.end() ? found->second : kinds.emplace(kind, js.string(kind)).first->second);
  }
  return js.array(items);
}

// (module) -> [module, name, kind, type of a global or undefined, ...]
Value op_module_imports(Engine& js, void* context, Args args) {
  Module& module = module_of(host_of(context), args, 0);
  std::vector<Value> items;
  for (wasm_importtype_t* declared : ImportTypes(module)) {
    wasm_externtype_t* type = wt.wasm_importtype_type(declared);
    items.push_back(js.string(text_of(wt.wasm_importtype_module(declared))));
    items.push_back(js.string(text_of(wt.wasm_importtype_name(declared))));
    items.push_back(js.string(extern_kind_name(type)));
    items.push_back(content_of(js, type));
  }
  return js.array(items);
}

// (module, name) -> [ArrayBuffer, ...]
Value op_custom_sections(Engine& js, void* context, Args args) {
  Module& module = module_of(host_of(context), args, 0);
  std::vector<Value> found;
  for (const auto content : binary::custom_sections(module.wasm(), js.to_string(args[1]))) {
    found.push_back(js.array_buffer(content));
  }
  return js.array(found);
}

}  // namespace dcp::wasm
