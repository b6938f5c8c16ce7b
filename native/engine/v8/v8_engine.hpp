// engine.hpp on the V8 of the `node` program, which loads this code as an addon. The isolate and its context are our
// own: nothing of Node's is in their reach. Local handles are V8's; a Scope is a HandleScope.
#pragma once

#include <v8.h>

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>

#include "engine/engine.hpp"
#include "engine/v8/buffer_allocator.hpp"
#include "engine/v8/random_numbers.hpp"
#include "engine/v8/task_queue.hpp"

namespace dcp::engine::v8engine {

static_assert(sizeof(v8::Local<v8::Value>) == sizeof(std::uint64_t), "Value carries a Local in its first word");

class V8Engine final : public Engine {
 public:
  explicit V8Engine(const Limits& limits);
  ~V8Engine() override;
  V8Engine(const V8Engine&) = delete;
  V8Engine& operator=(const V8Engine&) = delete;

  const char* name() const override { return "v8"; }
  std::string version() const override;

  // --- v8_engine.cpp ---
  Value evaluate(std::string_view source, const std::string& name, ScriptKind kind) override;
  Value compile(std::string_view source, const std::string& name) override;
  std::optional<Value> compiled(std::string_view source, const std::string& name,
                                std::span<const std::byte> code) override;
  std::vector<std::byte> code_of(Value script) override;
  bool compiles_lazily() const override { return true; }
  std::string script_format() const override;
  Value run(Value script) override;
  Value call(Value function, Value self, std::span<const Value> args) override;
  Value construct(Value constructor, std::span<const Value> args) override;
  void run_microtasks() override;
  std::int64_t async_context() override;
  void set_async_context(std::int64_t context) override;
  std::optional<double> next_task() override;
  void on_load_module(LoadModule load) override { load_module_ = std::move(load); }
  void on_rejection(RejectionHook hook) override { rejection_ = std::move(hook); }
  void on_out_of_memory(OutOfMemory hook) override { out_of_memory_ = std::move(hook); }
  void before_fork() override;
  void after_fork() override { random_.seed(); }
  void collect_garbage() override;
  std::size_t open_scope() override;
  void close_scope(std::size_t mark) override;
  Value retain(Value value) override;
  void release(Value retained) override;
  Value local(Value retained) override;

  // --- v8_values.cpp ---
  Value global() override;
  Value undefined() override { return from(v8::Undefined(isolate_)); }
  Value null() override { return from(v8::Null(isolate_)); }
  Value boolean(bool value) override { return from(v8::Boolean::New(isolate_, value)); }
  Value number(double value) override { return from(v8::Number::New(isolate_, value)); }
  Value bigint(std::int64_t value) override { return from(v8::BigInt::New(isolate_, value)); }
  Value biguint(std::uint64_t value) override { return from(v8::BigInt::NewFromUnsigned(isolate_, value)); }
  Value bigint_from_hex(std::string_view text) override;
  Value string(std::string_view utf8) override;
  Value object() override { return from(v8::Object::New(isolate_)); }
  Value null_prototype_object() override;
  std::unique_ptr<StringBuilder> string_builder() override;
  Value string(std::u16string_view units) override;
  Value concat(Value first, Value second) override;
  Value slice(Value string, std::uint32_t start, std::uint32_t end) override;
  Value array(std::span<const Value> items) override;
  Value date(double milliseconds) override;
  Value error(ErrorType type, std::string_view message) override;
  Value handle(const void* tag, void* pointer, void (*finalize)(void* pointer)) override;
  Kind kind(Value value) override;
  ObjectKind object_kind(Value object) override;
  Value unboxed(Value boxed) override;
  bool same(Value a, Value b) override { return to(a)->StrictEquals(to(b)); }
  std::uintptr_t identity(Value object) override {
    return static_cast<std::uintptr_t>(to(object).As<v8::Object>()->GetIdentityHash());
  }
  bool truthy(Value value) override { return to(value)->BooleanValue(isolate_); }
  double as_number(Value value) override;
  std::string to_string(Value value) override;
  double to_number(Value value) override;
  std::int32_t to_int32(Value value) override;
  std::int64_t to_bigint64(Value value) override;
  std::string bigint_to_hex(Value value) override;
  std::uint32_t string_length(Value string) override;
  void for_each_stretch(Value string, const std::function<bool(StringUnits)>& take) override;
  double date_value(Value value) override;
  void* handle_pointer(Value value, const void* tag) override;
  PromiseState promise_state(Value value) override;
  Value promise_result(Value value) override;

  // --- v8_functions.cpp ---
  Value function(const std::string& name, int length, Op op, void* context) override;
  Value owning_function(const std::string& name, int length, Op op, void* context, void (*finalize)(void*)) override;

  // --- v8_buffers.cpp ---
  Value array_buffer(std::span<const std::byte> copy_of) override;
  Value array_buffer(std::size_t size) override;
  Value external_array_buffer(void* data, std::size_t size, ReleaseBuffer release, void* opaque) override;
  Value external_shared_array_buffer(void* data, std::size_t size, ReleaseBuffer release, void* opaque) override;
  std::size_t longest_array_buffer() const override { return v8::TypedArray::kMaxByteLength; }
  void detach(Value array_buffer) override;
  bool is_detached(Value array_buffer) override;
  Value view(ElementType type, Value array_buffer, std::size_t byte_offset, std::size_t length) override;
  std::optional<BufferView> buffer_view(Value value) override;
  Value buffer_of(Value view) override;

  // --- v8_properties.cpp ---
  Value get(Value object, std::string_view name) override;
  Value get(Value object, std::uint32_t index) override;
  void set(Value object, std::string_view name, Value value) override;
  void set(Value object, std::uint32_t index, Value value) override;
  void define(Value object, std::string_view name, Value value) override;
  void define_own(Value object, std::string_view name, Value value) override;
  std::uint64_t length(Value object) override;
  std::vector<std::string> keys(Value object) override;
  ErrorText describe_error(Value error) override;

 private:
  friend class V8StringBuilder;
  struct OpRecord;
  struct Handle;
  /// V8 wants its HandleScopes on the stack; these are opened and closed in a stack's order too.
  struct ScopeSlot {
    alignas(v8::HandleScope) std::byte place[sizeof(v8::HandleScope)];
  };

  static v8::Local<v8::Value> to(Value value) { return *reinterpret_cast<v8::Local<v8::Value>*>(&value.word[0]); }
  static std::vector<v8::Local<v8::Value>> to(std::span<const Value> args);
  template <typename T>
  static Value from(v8::Local<T> local) {
    Value value{};
    *reinterpret_cast<v8::Local<v8::Value>*>(&value.word[0]) = local;
    return value;
  }
  static V8Engine& of(v8::Isolate* isolate) { return *static_cast<V8Engine*>(isolate->GetData(0)); }
  v8::Local<v8::Context> context() { return local_context_; }

  /// Runs `body`, which returns a MaybeLocal or a Maybe; throws Thrown when that is empty.
  template <typename Body>
  auto guarded(Body body);
  [[noreturn]] void throw_caught(v8::TryCatch& caught);
  [[noreturn]] void throw_terminated();
  v8::Local<v8::ArrayBuffer> new_buffer(std::size_t size, v8::BackingStoreInitializationMode mode);
  // --- v8_strings.cpp ---
  v8::Local<v8::String> text(std::string_view utf8);
  v8::Local<v8::String> lent_text(std::string_view utf8);
  v8::Local<v8::String> key(std::string_view name);
  v8::Local<v8::Object> to_object(Value value);
  std::string utf8(v8::Local<v8::String> text, int flags = v8::String::WriteFlags::kReplaceInvalidUtf8);
  std::string text_property(v8::Local<v8::Object> object, const char* name);
  Value script_handle(v8::Local<v8::UnboundScript> script);
  v8::Local<v8::UnboundScript> compile_script(v8::Local<v8::String> source, const std::string& name);
  void place_syntax_error(v8::TryCatch& caught, const std::string& name);

  // --- v8_functions.cpp ---
  static void invoke(const v8::FunctionCallbackInfo<v8::Value>& info);
  void to_exception(const Thrown& thrown);

  // --- v8_modules.cpp ---
  v8::MaybeLocal<v8::Module> compile_module(std::string_view source, const std::string& name);
  /// The module of that name, compiled with all that it imports. An exception is pending when there is none.
  v8::MaybeLocal<v8::Module> load_module(const std::string& name);
  bool load_imports(v8::Local<v8::Module> module, const std::string& base);
  v8::MaybeLocal<v8::Value> evaluate_module(v8::Local<v8::Module> module);
  static v8::MaybeLocal<v8::Module> resolve_import(v8::Local<v8::Context>, v8::Local<v8::String> specifier,
                                                   v8::Local<v8::FixedArray>, v8::Local<v8::Module> referrer);
  static v8::MaybeLocal<v8::Promise> import_dynamically(v8::Local<v8::Context>, v8::Local<v8::Data>,
                                                        v8::Local<v8::Value> base, v8::Local<v8::String> specifier,
                                                        v8::Local<v8::FixedArray>);

  // --- v8_limits.cpp ---
  /// How large the generations of the heap may become where all of it may have `memory` bytes; 0: unlimited.
  static void constrain_heap(v8::ResourceConstraints& constraints, std::size_t memory);
  void set_limits(const Limits& limits);
  static std::size_t near_heap_limit(void* engine, std::size_t current, std::size_t initial);
  static void no_memory(const char* location, const v8::OOMDetails& details);
  [[noreturn]] static void terminate_program();

  static void reject(v8::PromiseRejectMessage message);

  std::shared_ptr<TaskQueue> tasks_ = std::make_shared<TaskQueue>();
  PlatformDelegate delegate_{tasks_};
  BufferAllocator allocator_;
  RandomNumbers random_;
  v8::Isolate* isolate_ = nullptr;
  v8::Local<v8::Context> local_context_;
  v8::Local<v8::Value> object_prototype_;
  std::optional<v8::Locker> locker_;
  std::deque<ScopeSlot> scopes_;
  int depth_ = 0;  ///< calls into JavaScript that are under way
  LoadModule load_module_;
  RejectionHook rejection_;
  OutOfMemory out_of_memory_;
  std::map<std::string, v8::Global<v8::Module>> modules_;
  v8::Global<v8::FunctionTemplate> handle_class_;
  v8::Global<v8::Function> substring_, nothing_;
};

template <typename Body>
auto V8Engine::guarded(Body body) {
  v8::TryCatch caught(isolate_);
  ++depth_;
  auto result = body();
  --depth_;
  if constexpr (requires { result.IsNothing(); }) {
    if (result.IsNothing()) throw_caught(caught);
    return result.FromJust();
  } else {
    if (result.IsEmpty()) throw_caught(caught);
    return result.ToLocalChecked();
  }
}

}  // namespace dcp::engine::v8engine
