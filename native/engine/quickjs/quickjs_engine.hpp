// engine.hpp on QuickJS-NG. Local handles are a stack of owned JSValues; a Scope cuts it back.
#pragma once

#include <quickjs.h>

#include <bit>
#include <cstdint>
#include <unordered_map>

#include "engine/recorder_support.hpp"
#include "engine/wasm_support.hpp"

namespace dcp::engine::quickjs {

static_assert(sizeof(Value) == sizeof(JSValue), "Value carries a JSValue bit for bit");

class QuickJsEngine final : public Engine, public WasmSupport, public RecorderSupport {
 public:
  explicit QuickJsEngine(const Limits& limits);
  ~QuickJsEngine() override;
  QuickJsEngine(const QuickJsEngine&) = delete;
  QuickJsEngine& operator=(const QuickJsEngine&) = delete;

  const char* name() const override { return "quickjs"; }
  std::string version() const override;
  WasmSupport* wasm_support() override { return this; }
  RecorderSupport* recorder_support() override { return this; }

  Value evaluate(std::string_view source, const std::string& name, ScriptKind kind) override;
  Value compile(std::string_view source, const std::string& name) override;
  std::optional<Value> compiled(std::string_view source, const std::string& name,
                                std::span<const std::byte> code) override;
  std::vector<std::byte> code_of(Value script) override;
  std::string script_format() const override;
  Value run(Value script) override;
  Value call(Value function, Value self, std::span<const Value> args) override;
  Value construct(Value constructor, std::span<const Value> args) override;
  void run_microtasks() override;
  std::optional<double> next_task() override;
  std::int64_t async_context() override { return JS_GetAsyncContext(runtime_); }
  void set_async_context(std::int64_t context) override { JS_SetAsyncContext(runtime_, context); }
  void on_load_module(LoadModule load) override { load_module_ = std::move(load); }
  void on_rejection(RejectionHook hook) override { rejection_ = std::move(hook); }
  bool take_out_of_memory() override;
  bool is_full() override;
  void after_fork() override;
  void collect_garbage() override;

  Value global() override;
  Value undefined() override;
  Value null() override;
  Value boolean(bool value) override;
  Value number(double value) override;
  Value bigint(std::int64_t value) override;
  Value biguint(std::uint64_t value) override;
  Value bigint_from_hex(std::string_view text) override;
  Value string(std::string_view utf8) override;
  std::unique_ptr<StringBuilder> string_builder() override;
  Value object() override;
  Value null_prototype_object() override;
  Value string(std::u16string_view units) override;
  Value concat(Value first, Value second) override;
  Value slice(Value string, std::uint32_t start, std::uint32_t end) override;
  Value array(std::span<const Value> items) override;
  Value date(double milliseconds) override;
  Value error(ErrorType type, std::string_view message) override;
  Value function(const std::string& name, int length, Op op, void* context) override;
  Value owning_function(const std::string& name, int length, Op op, void* context, void (*finalize)(void*)) override;
  Value handle(const void* tag, void* pointer, void (*finalize)(void* pointer)) override;
  Keeper& keeper(void* pointer, void (*finalize)(void* pointer)) override;
  Value bound_function(const std::string& name, int length, Keeper& keeper, BoundOp op, std::uint32_t index) override;
  Value recorder(Value method, Value plan, WordRing& ring) override;
  Value array_buffer(std::span<const std::byte> copy_of) override;
  Value array_buffer(std::size_t size) override;
  Value external_array_buffer(void* data, std::size_t size, ReleaseBuffer release, void* opaque) override;
  Value external_shared_array_buffer(void* data, std::size_t size, ReleaseBuffer release, void* opaque) override;
  Value resizable_array_buffer(void* data, std::size_t size, std::size_t most, bool shared, ReleaseBuffer release,
                               void* opaque) override;
  void set_length(Value array_buffer, std::size_t size) override;
  std::size_t longest_array_buffer() const override { return 0x7FFFFFFF; }
  void detach(Value array_buffer) override;
  bool is_detached(Value array_buffer) override;
  Value view(ElementType type, Value array_buffer, std::size_t byte_offset, std::size_t length) override;

  Kind kind(Value value) override;
  ObjectKind object_kind(Value object) override;
  Value unboxed(Value boxed) override;
  bool same(Value a, Value b) override;
  std::uintptr_t identity(Value object) override;
  bool truthy(Value value) override;
  double as_number(Value value) override;
  std::string to_string(Value value) override;
  double to_number(Value value) override;
  std::int32_t to_int32(Value value) override;
  std::int64_t to_bigint64(Value value) override;
  std::string bigint_to_hex(Value value) override;
  std::uint32_t string_length(Value string) override;
  StringUnits string_units(Value string) override;
  void for_each_stretch(Value string, const std::function<bool(StringUnits)>& take) override;
  double date_value(Value value) override;
  void* handle_pointer(Value value, const void* tag) override;
  std::optional<BufferView> buffer_view(Value value) override;
  Value buffer_of(Value view) override;
  PromiseState promise_state(Value value) override;
  Value promise_result(Value value) override;

  Value get(Value object, std::string_view name) override;
  Value get(Value object, std::uint32_t index) override;
  void set(Value object, std::string_view name, Value value) override;
  void set(Value object, std::uint32_t index, Value value) override;
  void define(Value object, std::string_view name, Value value) override;
  void define_own(Value object, std::string_view name, Value value) override;
  std::uint64_t length(Value object) override;
  std::vector<std::string> keys(Value object) override;
  ErrorText describe_error(Value error) override;

  std::size_t open_scope() override { return locals_.size(); }
  void close_scope(std::size_t mark) override;
  Value retain(Value value) override;
  void release(Value retained) override;
  Value local(Value retained) override;

 private:
  friend class QuickJsKeeper;
  friend class QuickJsStringBuilder;

  /// Bytes beyond the limit for what must not fail: an error's own memory.
  static constexpr std::size_t kMemoryReserve = std::size_t{1} << 20;

  struct OpRecord {
    QuickJsEngine* engine;
    Op op;
    void* context;
    void (*finalize)(void*);
  };

  /// A compiled script, whose functions have their texts in its source: it is kept as long as they may be.
  struct Script {
    JSValue function;
    std::string_view source;
  };

  /// Memory of the caller's behind a SharedArrayBuffer.
  struct ForeignShared {
    std::size_t size;
    ReleaseBuffer release;
    void* opaque;
  };

  static JSValue js(Value value) { return std::bit_cast<JSValue>(value); }
  static Value borrowed(JSValueConst value) { return std::bit_cast<Value>(value); }
  /// Takes ownership; throws when it is JS_EXCEPTION.
  Value own(JSValue value) {
    if (JS_IsException(value)) throw_pending();
    if (JS_VALUE_HAS_REF_COUNT(value)) locals_.push_back(value);
    return borrowed(value);
  }
  /// Throws the pending exception when negative.
  void check(int result) {
    if (result < 0) throw_pending();
  }
  [[noreturn]] void throw_pending();
  Value keep_script(JSValue function, std::string_view source);
  JSValue to_exception(const Thrown& thrown);
  std::string text_property(JSValueConst object, const char* name);

  static JSValue invoke(JSContext*, JSValueConst self, int argc, JSValueConst* argv, int magic, void* opaque);
  template <typename Body>
  static JSValue guarded(JSContext* context, QuickJsEngine& engine, Body body);
  static JSValue invoke_bound(JSContext*, JSValueConst self, int argc, JSValueConst* argv, int magic,
                              JSValueConst* data);
  void add_handle_class();
  void add_keeper_class();
  static void* resize_external(JSRuntime*, void* opaque, void* data, std::size_t size);
  static void* allocate_shared(void* opaque, std::size_t size);
  static void free_shared(void* opaque, void* data);
  static JSModuleDef* load(JSContext*, const char* name, void* opaque, JSValueConst attributes);
  static void reject(JSContext*, JSValueConst promise, JSValueConst reason, bool handled, void* opaque);
  static Value random(Engine& engine, void* context, std::span<const Value> args);
  static Value hypot(Engine& engine, void* context, std::span<const Value> args);

  void set_limits(const Limits& limits);
  void add_intrinsics();
  void capture_builtins();
  void seed_random();

  JSRuntime* runtime_;
  JSContext* context_;
  std::vector<JSValue> locals_;
  std::vector<Script> scripts_;
  std::unordered_multimap<void*, ForeignShared> foreign_shared_;
  LoadModule load_module_;
  RejectionHook rejection_;
  JSClassID handle_class_ = 0;
  JSClassID keeper_class_ = 0;
  std::size_t memory_limit_ = 0;
  std::uint64_t random_state_ = 1;
  JSValue get_time_, bigint_to_string_, bigint_, negate_, data_view_, view_buffer_, view_offset_, view_length_;
  JSValue resize_, grow_;
};

}  // namespace dcp::engine::quickjs
