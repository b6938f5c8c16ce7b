#include "engine/v8/v8_engine.hpp"

#include <node.h>

#include <new>
#include <stdexcept>
#include <utility>

namespace dcp::engine::v8engine {

namespace {

node::MultiIsolatePlatform& platform() {
  v8::Isolate* nodes = v8::Isolate::GetCurrent();
  const v8::HandleScope scope(nodes);
  node::Environment* environment = node::GetCurrentEnvironment(nodes->GetCurrentContext());
  if (environment == nullptr) throw std::runtime_error("V8 runs inside of the node program only");
  return *node::GetMultiIsolatePlatform(environment);
}

v8::Local<v8::Function> function_of(v8::Local<v8::Context> context, const char* expression) {
  v8::Isolate* isolate = v8::Isolate::GetCurrent();
  const auto source = v8::String::NewFromUtf8(isolate, expression).ToLocalChecked();
  const auto script = v8::Script::Compile(context, source).ToLocalChecked();
  return script->Run(context).ToLocalChecked().As<v8::Function>();
}

}  // namespace

V8Engine::V8Engine(const Limits& limits) {
  node::MultiIsolatePlatform& nodes = platform();
  isolate_ = v8::Isolate::Allocate();
  nodes.RegisterIsolate(isolate_, &delegate_);
  allocator_.set_isolate(isolate_);
  v8::Isolate::CreateParams parameters;
  parameters.array_buffer_allocator = &allocator_;
  constrain_heap(parameters.constraints, limits.memory);
  v8::Isolate::Initialize(isolate_, parameters);
  isolate_->SetData(0, this);
  locker_.emplace(isolate_);
  isolate_->Enter();
  isolate_->SetMicrotasksPolicy(v8::MicrotasksPolicy::kExplicit);
  isolate_->SetPromiseRejectCallback(reject);
  isolate_->SetHostImportModuleDynamicallyCallback(import_dynamically);
  (void)open_scope();
  const auto random =
      RandomNumbers::extension([](v8::Isolate* isolate) -> RandomNumbers& { return of(isolate).random_; });
  local_context_ = v8::Context::New(isolate_, random);
  local_context_->Enter();
  object_prototype_ = v8::Object::New(isolate_)->GetPrototypeV2();
  (void)context()->Global()->Delete(context(), key("console"));  // it shows nothing anywhere
  nothing_.Reset(isolate_, function_of(context(), "() => {}"));
  substring_.Reset(isolate_, function_of(context(), "String.prototype.substring"));
  handle_class_.Reset(isolate_, v8::FunctionTemplate::New(isolate_));
  handle_class_.Get(isolate_)->InstanceTemplate()->SetInternalFieldCount(1);
  set_limits(limits);
}

V8Engine::~V8Engine() {
  modules_.clear();
  for (auto* function : {&nothing_, &substring_}) function->Reset();
  handle_class_.Reset();
  local_context_->Exit();
  close_scope(0);
  isolate_->Exit();
  locker_.reset();
  platform().DisposeIsolate(isolate_);
}

std::string V8Engine::version() const { return v8::V8::GetVersion(); }

// --- Scopes and references ---

std::size_t V8Engine::open_scope() {
  const std::size_t mark = scopes_.size();
  ::new (static_cast<void*>(scopes_.emplace_back().place)) v8::HandleScope(isolate_);
  return mark;
}

void V8Engine::close_scope(std::size_t mark) {
  while (scopes_.size() > mark) {
    reinterpret_cast<v8::HandleScope*>(scopes_.back().place)->~HandleScope();
    scopes_.pop_back();
  }
}

Value V8Engine::retain(Value value) {
  auto* global = new v8::Global<v8::Value>(isolate_, to(value));
  return {{reinterpret_cast<std::uintptr_t>(global), 0}};
}

void V8Engine::release(Value retained) { delete reinterpret_cast<v8::Global<v8::Value>*>(retained.word[0]); }

Value V8Engine::local(Value retained) {
  return from(reinterpret_cast<v8::Global<v8::Value>*>(retained.word[0])->Get(isolate_));
}

// --- Exceptions ---

void V8Engine::throw_caught(v8::TryCatch& caught) {
  if (caught.HasTerminated() || isolate_->IsExecutionTerminating()) throw_terminated();
  const v8::Local<v8::Value> exception = caught.Exception();
  Ref reason(*this, exception.IsEmpty() ? undefined() : from(exception));
  throw Thrown{std::move(reason)};
}

// Termination goes on until the outermost JavaScript has ended.
void V8Engine::throw_terminated() {
  if (depth_ == 0) isolate_->CancelTerminateExecution();
  throw Thrown{{}, true};
}

// --- Running code ---

Value V8Engine::evaluate(std::string_view source, const std::string& name, ScriptKind kind) {
  if (kind == ScriptKind::module) {
    return from(guarded([&]() -> v8::MaybeLocal<v8::Value> {
      v8::Local<v8::Module> module;
      if (!compile_module(source, name).ToLocal(&module) || !load_imports(module, name)) return {};
      return evaluate_module(module);
    }));
  }
  const auto script = compile_script(text(source), name);
  return from(guarded([&] { return script->BindToCurrentContext()->Run(context()); }));
}

v8::Local<v8::UnboundScript> V8Engine::compile_script(v8::Local<v8::String> source, const std::string& name) {
  v8::ScriptCompiler::Source unit(source, v8::ScriptOrigin(text(name)));
  return guarded([&] {
    v8::TryCatch caught(isolate_);
    const auto script = v8::ScriptCompiler::CompileUnboundScript(isolate_, &unit);
    if (script.IsEmpty()) {
      place_syntax_error(caught, name);
      caught.ReThrow();
    }
    return script;
  });
}

namespace {

const char kScriptTag = 0;
using Script = v8::Global<v8::UnboundScript>;

}  // namespace

Value V8Engine::script_handle(v8::Local<v8::UnboundScript> script) {
  const auto forget = [](void* pointer) { delete static_cast<Script*>(pointer); };
  return handle(&kScriptTag, new Script(isolate_, script), forget);
}

Value V8Engine::compile(std::string_view source, const std::string& name) {
  return script_handle(compile_script(lent_text(source), name));
}

std::optional<Value> V8Engine::compiled(std::string_view source, const std::string& name,
                                        std::span<const std::byte> code) {
  using Compiler = v8::ScriptCompiler;
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(code.data());
  auto* cached = new Compiler::CachedData(bytes, static_cast<int>(code.size()));  // the unit's
  Compiler::Source unit(lent_text(source), v8::ScriptOrigin(text(name)), cached);
  v8::TryCatch caught(isolate_);
  v8::Local<v8::UnboundScript> script;
  const auto how = Compiler::kConsumeCodeCache;
  if (!Compiler::CompileUnboundScript(isolate_, &unit, how).ToLocal(&script) || cached->rejected) return std::nullopt;
  return script_handle(script);
}

std::vector<std::byte> V8Engine::code_of(Value script) {
  const auto* compiled = static_cast<Script*>(handle_pointer(script, &kScriptTag));
  if (compiled == nullptr) return {};
  const std::unique_ptr<v8::ScriptCompiler::CachedData> code(
      v8::ScriptCompiler::CreateCodeCache(compiled->Get(isolate_)));
  if (!code) return {};
  const auto* bytes = reinterpret_cast<const std::byte*>(code->data);
  return {bytes, bytes + code->length};
}

// The tag stands for V8's version, its flags and what the processor can do.
std::string V8Engine::script_format() const {
  return "v8 " + version() + " " + std::to_string(v8::ScriptCompiler::CachedDataVersionTag());
}

Value V8Engine::run(Value script) {
  const auto* compiled = static_cast<Script*>(handle_pointer(script, &kScriptTag));
  if (compiled == nullptr) raise(ErrorType::type_error, "no script");
  return from(guarded([&] { return compiled->Get(isolate_)->BindToCurrentContext()->Run(context()); }));
}

// V8 says in the message, not in the stack, where the code is wrong.
void V8Engine::place_syntax_error(v8::TryCatch& caught, const std::string& name) {
  const v8::Local<v8::Message> message = caught.Message();
  if (caught.HasTerminated() || message.IsEmpty() || !caught.Exception()->IsNativeError()) return;
  const int line = message->GetLineNumber(context()).FromMaybe(0);
  const int column = message->GetStartColumn(context()).FromMaybe(0) + 1;
  const std::string place = "SyntaxError: " + text_property(caught.Exception().As<v8::Object>(), "message") +
                            "\n    at " + name + ":" + std::to_string(line) + ":" + std::to_string(column);
  (void)caught.Exception().As<v8::Object>()->DefineOwnProperty(context(), key("stack"), text(place), v8::DontEnum);
}

std::vector<v8::Local<v8::Value>> V8Engine::to(std::span<const Value> args) {
  std::vector<v8::Local<v8::Value>> locals;
  locals.reserve(args.size());
  for (const Value arg : args) locals.push_back(to(arg));
  return locals;
}

Value V8Engine::call(Value function, Value self, std::span<const Value> args) {
  auto given = to(args);
  if (!to(function)->IsFunction()) raise(ErrorType::type_error, "not a function");
  return from(guarded([&] {
    return to(function).As<v8::Function>()->Call(context(), to(self), static_cast<int>(given.size()), given.data());
  }));
}

Value V8Engine::construct(Value constructor, std::span<const Value> args) {
  auto given = to(args);
  if (!to(constructor)->IsFunction()) raise(ErrorType::type_error, "not a constructor");
  return from(guarded([&]() -> v8::MaybeLocal<v8::Value> {
    v8::Local<v8::Object> made;
    const auto callee = to(constructor).As<v8::Function>();
    if (!callee->NewInstance(context(), static_cast<int>(given.size()), given.data()).ToLocal(&made)) return {};
    return made;
  }));
}

// Tasks of V8's own settle promises, so microtasks run after each.
void V8Engine::run_microtasks() {
  v8::TryCatch caught(isolate_);
  ++depth_;
  isolate_->PerformMicrotaskCheckpoint();
  while (!isolate_->IsExecutionTerminating()) {
    const std::unique_ptr<v8::Task> task = tasks_->take();
    if (!task) break;
    const Scope scope(*this);
    set_async_context(kNobody);
    task->Run();
    set_async_context(0);
    isolate_->PerformMicrotaskCheckpoint();
  }
  --depth_;
  if (caught.HasCaught()) throw_caught(caught);
}

std::int64_t V8Engine::async_context() {
  const v8::HandleScope scope(isolate_);
  const v8::Local<v8::Value> data = isolate_->GetContinuationPreservedEmbedderData();
  return data->IsNumber() ? static_cast<std::int64_t>(data.As<v8::Number>()->Value()) : 0;
}

void V8Engine::set_async_context(std::int64_t context) {
  const v8::HandleScope scope(isolate_);
  isolate_->SetContinuationPreservedEmbedderData(v8::Number::New(isolate_, static_cast<double>(context)));
}

std::optional<double> V8Engine::next_task() {
  const auto due = tasks_->next();
  if (!due) return std::nullopt;
  return std::chrono::duration<double, std::milli>(due->time_since_epoch()).count();
}

void V8Engine::reject(v8::PromiseRejectMessage message) {
  V8Engine& engine = of(v8::Isolate::GetCurrent());
  if (!engine.rejection_) return;
  if (message.GetEvent() == v8::kPromiseRejectWithNoHandler) {
    engine.rejection_(from(message.GetPromise()), from(message.GetValue()), false);
  } else if (message.GetEvent() == v8::kPromiseHandlerAddedAfterReject) {
    engine.rejection_(from(message.GetPromise()), engine.undefined(), true);
  }
}

void V8Engine::collect_garbage() { isolate_->LowMemoryNotification(); }

}  // namespace dcp::engine::v8engine

namespace dcp::engine {

std::unique_ptr<Engine> make_v8(const Limits& limits) { return std::make_unique<v8engine::V8Engine>(limits); }

}  // namespace dcp::engine
