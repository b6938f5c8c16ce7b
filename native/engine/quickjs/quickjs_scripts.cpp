// Scripts, modules, and the jobs that they leave.
#include <cmath>
#include <optional>
#include <string>
#include <utility>

#include "engine/quickjs/atomics.h"
#include "engine/quickjs/memory.h"
#include "engine/quickjs/quickjs_engine.hpp"
#include "engine/quickjs/scripts.h"

namespace dcp::engine::quickjs {

Value QuickJsEngine::evaluate(std::string_view source, const std::string& name, ScriptKind kind) {
  const std::string terminated(source);  // QuickJS reads one byte past the end
  const int flags = kind == ScriptKind::module ? JS_EVAL_TYPE_MODULE : JS_EVAL_TYPE_GLOBAL;
  return own(JS_Eval(context_, terminated.c_str(), terminated.size(), name.c_str(), flags));
}

Value QuickJsEngine::keep_script(JSValue function, std::string_view source) {
  const Value script = own(function);
  scripts_.push_back({JS_DupValue(context_, function), source});
  return script;
}

Value QuickJsEngine::compile(std::string_view source, const std::string& name) {
  constexpr int flags = JS_EVAL_TYPE_GLOBAL | JS_EVAL_FLAG_COMPILE_ONLY;
  const Value script = keep_script(JS_Eval(context_, source.data(), source.size(), name.c_str(), flags), source);
  dcp_script_borrow(context_, js(script), source.data(), source.size());
  return script;
}

std::optional<Value> QuickJsEngine::compiled(std::string_view source, const std::string&,
                                             std::span<const std::byte> code) {
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(code.data());
  JSValue script = dcp_script_read(context_, bytes, code.size(), source.data(), source.size());
  if (JS_IsUndefined(script)) return std::nullopt;
  return keep_script(script, source);
}

std::vector<std::byte> QuickJsEngine::code_of(Value script) {
  for (const auto& [function, source] : scripts_) {
    if (JS_VALUE_GET_PTR(function) != JS_VALUE_GET_PTR(js(script))) continue;
    std::size_t size = 0;
    std::uint8_t* bytes = dcp_script_write(context_, &size, function, source.data(), source.size());
    if (bytes == nullptr) break;
    const auto* first = reinterpret_cast<const std::byte*>(bytes);
    std::vector<std::byte> code(first, first + size);
    js_free(context_, bytes);
    return code;
  }
  return {};
}

std::string QuickJsEngine::script_format() const { return std::string("quickjs ") + DCP_SCRIPT_FORMAT; }

Value QuickJsEngine::run(Value script) { return own(JS_EvalFunction(context_, JS_DupValue(context_, js(script)))); }

std::optional<double> QuickJsEngine::next_task() {
  const double due = dcp_next_timeout(runtime_);
  return std::isinf(due) ? std::nullopt : std::optional(due);
}

void QuickJsEngine::run_microtasks() {
  dcp_run_timeouts(runtime_);
  std::optional<Thrown> first;
  JSContext* context = nullptr;
  for (int result; (result = JS_ExecutePendingJob(runtime_, &context)) != 0;) {
    if (result > 0) continue;
    try {
      throw_pending();
    } catch (Thrown& thrown) {
      if (thrown.terminated) throw;
      if (!first) first = std::move(thrown);
    }
  }
  dcp_set_memory_limit(runtime_, memory_limit_, kMemoryReserve);
  if (first) throw std::move(*first);
}

JSModuleDef* QuickJsEngine::load(JSContext* context, const char* name, void* opaque, JSValueConst) {
  auto& engine = *static_cast<QuickJsEngine*>(opaque);
  std::optional<std::string> source;
  if (engine.load_module_) source = engine.load_module_(name);
  if (!source) {
    JS_ThrowReferenceError(context, "cannot find module '%s'", name);
    return nullptr;
  }
  JSValue compiled =
      JS_Eval(context, source->c_str(), source->size(), name, JS_EVAL_TYPE_MODULE | JS_EVAL_FLAG_COMPILE_ONLY);
  if (JS_IsException(compiled)) return nullptr;
  auto* module = static_cast<JSModuleDef*>(JS_VALUE_GET_PTR(compiled));
  JS_FreeValue(context, compiled);
  return module;
}

void QuickJsEngine::reject(JSContext*, JSValueConst promise, JSValueConst reason, bool handled, void* opaque) {
  auto& engine = *static_cast<QuickJsEngine*>(opaque);
  if (engine.rejection_) engine.rejection_(borrowed(promise), borrowed(reason), handled);
}

}  // namespace dcp::engine::quickjs
