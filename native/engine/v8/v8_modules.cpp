// Modules: each is compiled, and all that it imports is loaded, before V8 links it.
#include "engine/v8/v8_engine.hpp"

namespace dcp::engine::v8engine {

namespace {

/// Specifiers that begin with a dot are relative to the folder of `base`; all others are names as they are.
std::string resolve(const std::string& base, const std::string& specifier) {
  if (!specifier.starts_with('.')) return specifier;
  const std::size_t slash = base.rfind('/');
  std::string folder = slash == std::string::npos ? "" : base.substr(0, slash);
  std::string_view rest = specifier;
  for (;;) {
    if (rest.starts_with("./")) {
      rest.remove_prefix(2);
    } else if (rest.starts_with("../") && !folder.empty()) {
      const std::size_t last = folder.rfind('/');
      const std::string_view name = std::string_view(folder).substr(last == std::string::npos ? 0 : last + 1);
      if (name == "." || name == "..") break;
      folder.resize(last == std::string::npos ? 0 : last);
      rest.remove_prefix(3);
    } else {
      break;
    }
  }
  return folder.empty() ? std::string(rest) : folder + "/" + std::string(rest);
}

}  // namespace

v8::MaybeLocal<v8::Module> V8Engine::compile_module(std::string_view source, const std::string& name) {
  const v8::ScriptOrigin origin(text(name), 0, 0, false, -1, {}, false, false, true);
  v8::ScriptCompiler::Source unit(text(source), origin);
  v8::TryCatch caught(isolate_);
  v8::Local<v8::Module> module;
  if (!v8::ScriptCompiler::CompileModule(isolate_, &unit).ToLocal(&module)) {
    place_syntax_error(caught, name);
    caught.ReThrow();
    return {};
  }
  modules_.insert_or_assign(name, v8::Global<v8::Module>(isolate_, module));
  return module;
}

v8::MaybeLocal<v8::Module> V8Engine::load_module(const std::string& name) {
  if (const auto known = modules_.find(name); known != modules_.end()) return known->second.Get(isolate_);
  std::optional<std::string> source;
  try {
    if (load_module_) source = load_module_(name);
  } catch (const Thrown& thrown) {
    to_exception(thrown);
    return {};
  }
  if (!source) {
    isolate_->ThrowException(to(error(ErrorType::reference_error, "cannot find module '" + name + "'")));
    return {};
  }
  v8::Local<v8::Module> module;
  if (!compile_module(*source, name).ToLocal(&module)) return {};
  if (!load_imports(module, name)) {
    modules_.erase(name);
    return {};
  }
  return module;
}

bool V8Engine::load_imports(v8::Local<v8::Module> module, const std::string& base) {
  const v8::Local<v8::FixedArray> requests = module->GetModuleRequests();
  for (int i = 0; i < requests->Length(); ++i) {
    const auto request = requests->Get(context(), i).As<v8::ModuleRequest>();
    if (load_module(resolve(base, utf8(request->GetSpecifier()))).IsEmpty()) return false;
  }
  return true;
}

v8::MaybeLocal<v8::Module> V8Engine::resolve_import(v8::Local<v8::Context>, v8::Local<v8::String> specifier,
                                                    v8::Local<v8::FixedArray>, v8::Local<v8::Module> referrer) {
  V8Engine& engine = of(v8::Isolate::GetCurrent());
  for (const auto& [name, module] : engine.modules_) {
    if (module == referrer) return engine.load_module(resolve(name, engine.utf8(specifier)));
  }
  engine.isolate_->ThrowException(to(engine.error(ErrorType::reference_error, "an import of an unknown module")));
  return {};
}

v8::MaybeLocal<v8::Value> V8Engine::evaluate_module(v8::Local<v8::Module> module) {
  if (module->GetStatus() == v8::Module::kUninstantiated &&
      !module->InstantiateModule(context(), resolve_import).FromMaybe(false)) {
    return {};
  }
  return module->Evaluate(context());
}

v8::MaybeLocal<v8::Promise> V8Engine::import_dynamically(v8::Local<v8::Context> context, v8::Local<v8::Data>,
                                                         v8::Local<v8::Value> base, v8::Local<v8::String> specifier,
                                                         v8::Local<v8::FixedArray>) {
  V8Engine& engine = of(v8::Isolate::GetCurrent());
  v8::TryCatch caught(engine.isolate_);
  const std::string from_where = base->IsString() ? engine.utf8(base.As<v8::String>()) : "";
  v8::Local<v8::Module> module;
  v8::Local<v8::Value> evaluated;
  if (engine.load_module(resolve(from_where, engine.utf8(specifier))).ToLocal(&module) &&
      engine.evaluate_module(module).ToLocal(&evaluated)) {
    const auto give = [](const v8::FunctionCallbackInfo<v8::Value>& info) { info.GetReturnValue().Set(info.Data()); };
    v8::Local<v8::Function> names;
    if (v8::Function::New(context, give, module->GetModuleNamespace()).ToLocal(&names)) {
      return evaluated.As<v8::Promise>()->Then(context, names);
    }
  }
  v8::Local<v8::Promise::Resolver> refused;
  if (caught.HasTerminated() || !caught.HasCaught() || !v8::Promise::Resolver::New(context).ToLocal(&refused)) {
    caught.ReThrow();
    return {};
  }
  (void)refused->Reject(context, caught.Exception());
  return refused->GetPromise();
}

}  // namespace dcp::engine::v8engine
