#include "engine/quickjs/quickjs_engine.hpp"

#include <sys/random.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <new>
#include <stdexcept>
#include <utility>

#include "engine/quickjs/memory.h"
#include "engine/quickjs/scripts.h"
#include "engine/quickjs/strings.h"
#include "fdlibm/hypotenuse.hpp"

namespace dcp::engine::quickjs {

namespace {

constexpr JSTypedArrayEnum kTypedArrays[] = {
    JS_TYPED_ARRAY_INT8,       JS_TYPED_ARRAY_UINT8,   JS_TYPED_ARRAY_UINT8C,  JS_TYPED_ARRAY_INT16,
    JS_TYPED_ARRAY_UINT16,     JS_TYPED_ARRAY_INT32,   JS_TYPED_ARRAY_UINT32,  JS_TYPED_ARRAY_BIG_INT64,
    JS_TYPED_ARRAY_BIG_UINT64, JS_TYPED_ARRAY_FLOAT16, JS_TYPED_ARRAY_FLOAT32, JS_TYPED_ARRAY_FLOAT64};

ElementType element_type(int quickjs_type) {
  for (std::size_t i = 0; i < std::size(kTypedArrays); ++i) {
    if (kTypedArrays[i] == quickjs_type) return static_cast<ElementType>(i);
  }
  return ElementType::uint8;
}

// Memory of an external ArrayBuffer. transfer() to another length asks for a resize: the bytes then move to the
// engine's heap and the foreign memory is released.
struct External {
  std::size_t size;
  ReleaseBuffer release;
  void* opaque;
  bool foreign;
  bool in_place = false;  // there is more memory behind the foreign one
};

constexpr std::size_t kMemoryReserve = 1 << 20;

struct Handle {
  const void* tag;
  void* pointer;
  void (*finalize)(void*);
};

}  // namespace

JSValue QuickJsEngine::js(Value value) {
  JSValue result;
  std::memcpy(&result, &value, sizeof result);
  return result;
}

Value QuickJsEngine::borrowed(JSValueConst value) {
  Value result;
  std::memcpy(&result, &value, sizeof result);
  return result;
}

QuickJsEngine::QuickJsEngine(const Limits& limits) : runtime_(JS_NewRuntime()) {
  if (runtime_ == nullptr) throw std::bad_alloc();
  context_ = JS_NewContextRaw(runtime_);
  if (context_ == nullptr) throw std::bad_alloc();
  JS_SetContextOpaque(context_, this);
  const JSSharedArrayBufferFunctions shared = {allocate_shared, free_shared, nullptr, this};
  JS_SetSharedArrayBufferFunctions(runtime_, &shared);
  JS_SetHostPromiseRejectionTracker(runtime_, reject, this);
  JS_SetModuleLoaderFunc2(runtime_, nullptr, load, nullptr, this);
  JS_NewClassID(runtime_, &handle_class_);
  JSClassDef definition = {};
  definition.class_name = "Handle";
  definition.finalizer = [](JSRuntime* runtime, JSValueConst value) {
    JSClassID id;
    auto* handle = static_cast<Handle*>(JS_GetAnyOpaque(value, &id));
    (void)runtime;
    if (handle == nullptr) return;
    if (handle->finalize != nullptr) handle->finalize(handle->pointer);
    delete handle;
  };
  JS_NewClass(runtime_, handle_class_, &definition);
  add_keeper_class();
  add_intrinsics();
  capture_builtins();
  seed_random();
  set_limits(limits);
}

// Without QuickJS's own performance, atob and DOMException: the runtime brings those of the web platform.
void QuickJsEngine::add_intrinsics() {
  const bool failed = JS_AddIntrinsicBaseObjects(context_) || JS_AddIntrinsicDate(context_) ||
                      JS_AddIntrinsicEval(context_) || JS_AddIntrinsicRegExp(context_) ||
                      JS_AddIntrinsicJSON(context_) || JS_AddIntrinsicProxy(context_) ||
                      JS_AddIntrinsicMapSet(context_) || JS_AddIntrinsicTypedArrays(context_) ||
                      JS_AddIntrinsicPromise(context_) || JS_AddIntrinsicWeakRef(context_);
  if (failed) throw std::bad_alloc();
}

// Guests may replace builtins; what the engine's own code calls is taken now.
void QuickJsEngine::capture_builtins() {
  const auto take = [this](const char* expression) {
    JSValue value = JS_Eval(context_, expression, std::strlen(expression), "<engine>", JS_EVAL_TYPE_GLOBAL);
    if (JS_IsException(value)) throw std::runtime_error(std::string("QuickJS lacks ") + expression);
    return value;
  };
  get_time_ = take("Date.prototype.getTime");
  bigint_to_string_ = take("BigInt.prototype.toString");
  bigint_ = take("BigInt");
  negate_ = take("(x) => -x");
  data_view_ = take("DataView");
  view_buffer_ = take("Object.getOwnPropertyDescriptor(DataView.prototype, 'buffer').get");
  view_offset_ = take("Object.getOwnPropertyDescriptor(DataView.prototype, 'byteOffset').get");
  view_length_ = take("Object.getOwnPropertyDescriptor(DataView.prototype, 'byteLength').get");
  resize_ = take("ArrayBuffer.prototype.resize");
  grow_ = take("SharedArrayBuffer.prototype.grow");
  // QuickJS seeds Math.random from the clock and offers no way to reseed it: a forked sandbox needs its own.
  Scope scope(*this);
  const Value math = own(take("Math"));
  define(math, "random", function("random", 0, random, this));
  define(math, "hypot", function("hypot", 2, hypot, this));
}

QuickJsEngine::~QuickJsEngine() {
  close_scope(0);
  for (const Script& script : scripts_) {
    dcp_script_return(context_, script.function, script.source.data(), script.source.size());
    JS_FreeValue(context_, script.function);
  }
  for (JSValue value : {get_time_, bigint_to_string_, bigint_, negate_, data_view_, view_buffer_, view_offset_,
                        view_length_, resize_, grow_}) {
    JS_FreeValue(context_, value);
  }
  JS_FreeContext(context_);
  dcp_set_memory_limit(runtime_, 0, 0);
  JS_FreeRuntime(runtime_);
}

std::string QuickJsEngine::version() const { return JS_GetVersion(); }

void QuickJsEngine::seed_random() {
  if (getrandom(&random_state_, sizeof random_state_, 0) != sizeof random_state_) {
    throw std::runtime_error("getrandom failed: the kernel gives no random numbers");
  }
  random_state_ |= 1;
}

// xorshift64*, 53 bits.
Value QuickJsEngine::random(Engine& engine, void* context, std::span<const Value>) {
  std::uint64_t& x = static_cast<QuickJsEngine*>(context)->random_state_;
  x ^= x >> 12;
  x ^= x << 25;
  x ^= x >> 27;
  return engine.number(static_cast<double>((x * 0x2545F4914F6CDD1DULL) >> 11) * 0x1p-53);
}

// QuickJS's own folds C's hypot, which differs between C libraries.
Value QuickJsEngine::hypot(Engine& engine, void*, std::span<const Value> args) {
  std::vector<double> numbers;
  numbers.reserve(args.size());
  for (const Value arg : args) numbers.push_back(engine.to_number(arg));
  return engine.number(fdlibm::hypot(numbers));
}

void QuickJsEngine::after_fork() { seed_random(); }

void QuickJsEngine::set_limits(const Limits& limits) {
  memory_limit_ = limits.memory;
  dcp_set_memory_limit(runtime_, memory_limit_, kMemoryReserve);
  JS_SetMaxStackSize(runtime_, limits.stack);
}

void QuickJsEngine::collect_garbage() { JS_RunGC(runtime_); }

// --- Handles ---

Value QuickJsEngine::own(JSValue value) {
  if (JS_IsException(value)) throw_pending();
  if (JS_VALUE_HAS_REF_COUNT(value)) locals_.push_back(value);
  return borrowed(value);
}

void QuickJsEngine::check(int result) {
  if (result < 0) throw_pending();
}

void QuickJsEngine::throw_pending() {
  JSValue exception = JS_GetException(context_);
  if (JS_IsUncatchableError(exception)) {
    JS_FreeValue(context_, exception);
    throw Thrown{{}, true};
  }
  if (JS_IsUninitialized(exception)) {  // it had no memory, and said nothing
    JS_ThrowOutOfMemory(context_);
    exception = JS_GetException(context_);
  }
  Ref reason(*this, borrowed(exception));
  JS_FreeValue(context_, exception);
  throw Thrown{std::move(reason)};
}

JSValue QuickJsEngine::to_exception(const Thrown& thrown) {
  if (!thrown.terminated) return JS_Throw(context_, JS_DupValue(context_, js(thrown.value.get())));
  JS_ThrowInternalError(context_, "interrupted");
  JSValue exception = JS_GetException(context_);
  JS_SetUncatchableError(context_, exception);
  return JS_Throw(context_, exception);
}

void QuickJsEngine::close_scope(std::size_t mark) {
  while (locals_.size() > mark) {
    JSValue value = locals_.back();
    locals_.pop_back();
    JS_FreeValue(context_, value);
  }
}

Value QuickJsEngine::retain(Value value) { return borrowed(JS_DupValue(context_, js(value))); }
void QuickJsEngine::release(Value retained) { JS_FreeValue(context_, js(retained)); }
Value QuickJsEngine::local(Value retained) { return own(JS_DupValue(context_, js(retained))); }

// --- Running code ---

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

std::optional<Value> QuickJsEngine::compiled(std::string_view source, std::span<const std::byte> code) {
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

Value QuickJsEngine::call(Value function, Value self, std::span<const Value> args) {
  return own(JS_Call(context_, js(function), js(self), static_cast<int>(args.size()),
                     reinterpret_cast<JSValueConst*>(const_cast<Value*>(args.data()))));
}

Value QuickJsEngine::construct(Value constructor, std::span<const Value> args) {
  return own(JS_CallConstructor(context_, js(constructor), static_cast<int>(args.size()),
                                reinterpret_cast<JSValueConst*>(const_cast<Value*>(args.data()))));
}

void QuickJsEngine::run_microtasks() {
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

// Turns C++ exceptions into those of JavaScript.
template <typename Body>
JSValue QuickJsEngine::guarded(JSContext* context, QuickJsEngine& engine, Body body) {
  try {
    return body();
  } catch (const Thrown& thrown) {
    return engine.to_exception(thrown);
  } catch (const std::bad_alloc&) {
    return JS_ThrowOutOfMemory(context);
  } catch (const std::exception& error) {
    return JS_ThrowPlainError(context, "%s", error.what());
  }
}

JSValue QuickJsEngine::invoke(JSContext* context, JSValueConst, int argc, JSValueConst* argv, int, void* opaque) {
  const auto& record = *static_cast<OpRecord*>(opaque);
  QuickJsEngine& engine = *record.engine;
  const Scope scope(engine);
  return guarded(context, engine, [&] {
    const std::span<const Value> args(reinterpret_cast<const Value*>(argv), static_cast<std::size_t>(argc));
    return JS_DupValue(context, js(record.op(engine, record.context, args)));
  });
}

// --- Making values ---

Value QuickJsEngine::global() { return own(JS_GetGlobalObject(context_)); }
Value QuickJsEngine::undefined() { return borrowed(JS_UNDEFINED); }
Value QuickJsEngine::null() { return borrowed(JS_NULL); }
Value QuickJsEngine::boolean(bool value) { return borrowed(JS_NewBool(context_, value)); }
Value QuickJsEngine::number(double value) { return borrowed(JS_NewNumber(context_, value)); }
Value QuickJsEngine::bigint(std::int64_t value) { return own(JS_NewBigInt64(context_, value)); }
Value QuickJsEngine::biguint(std::uint64_t value) { return own(JS_NewBigUint64(context_, value)); }

Value QuickJsEngine::bigint_from_hex(std::string_view text) {
  const bool negative = text.starts_with('-');
  if (negative) text.remove_prefix(1);
  if (text.empty()) raise(ErrorType::syntax_error, "a BigInt without digits");
  Value argument[] = {string("0x" + std::string(text))};
  const Value magnitude = call(borrowed(bigint_), undefined(), argument);
  if (!negative) return magnitude;
  return call(borrowed(negate_), undefined(), std::span(&magnitude, 1));
}

std::string QuickJsEngine::bigint_to_hex(Value value) {
  Value radix[] = {number(16)};
  return to_string(call(borrowed(bigint_to_string_), value, radix));
}

Value QuickJsEngine::string(std::string_view utf8) { return own(JS_NewStringLen(context_, utf8.data(), utf8.size())); }

class QuickJsStringBuilder final : public StringBuilder {
 public:
  explicit QuickJsStringBuilder(QuickJsEngine& engine) : engine_(engine), builder_(dcp_builder_new(engine.context_)) {
    if (builder_ == nullptr) engine_.throw_pending();
  }
  QuickJsStringBuilder(const QuickJsStringBuilder&) = delete;
  QuickJsStringBuilder& operator=(const QuickJsStringBuilder&) = delete;
  ~QuickJsStringBuilder() override {
    if (builder_ != nullptr) dcp_builder_free(builder_);
  }

  void add(std::string_view utf8) override { engine_.check(dcp_builder_add(builder_, utf8.data(), utf8.size())); }
  Value finish() override { return engine_.own(dcp_builder_end(std::exchange(builder_, nullptr))); }

 private:
  QuickJsEngine& engine_;
  DcpBuilder* builder_;
};

std::unique_ptr<StringBuilder> QuickJsEngine::string_builder() { return std::make_unique<QuickJsStringBuilder>(*this); }

Value QuickJsEngine::string(std::u16string_view units) {
  if (units.size() > UINT32_MAX) raise(ErrorType::range_error, "invalid string length");
  const auto* data = reinterpret_cast<const std::uint16_t*>(units.data());
  return own(dcp_string_of_units(context_, data, static_cast<std::uint32_t>(units.size())));
}

Value QuickJsEngine::concat(Value first, Value second) {
  return own(dcp_string_concat(context_, js(first), js(second)));
}

Value QuickJsEngine::slice(Value string, std::uint32_t start, std::uint32_t end) {
  return own(dcp_string_slice(context_, js(string), start, end));
}

Value QuickJsEngine::object() { return own(JS_NewObject(context_)); }
Value QuickJsEngine::null_prototype_object() { return own(JS_NewObjectProto(context_, JS_NULL)); }

Value QuickJsEngine::array(std::span<const Value> items) {
  std::vector<JSValue> owned;
  owned.reserve(items.size());
  for (Value item : items) owned.push_back(JS_DupValue(context_, js(item)));
  return own(JS_NewArrayFrom(context_, static_cast<int>(owned.size()), owned.data()));
}

Value QuickJsEngine::date(double milliseconds) { return own(JS_NewDate(context_, milliseconds)); }

Value QuickJsEngine::error(ErrorType type, std::string_view message) {
  const std::string text(message);
  switch (type) {
    case ErrorType::type_error:
      return own(JS_NewTypeError(context_, "%s", text.c_str()));
    case ErrorType::range_error:
      return own(JS_NewRangeError(context_, "%s", text.c_str()));
    case ErrorType::syntax_error:
      return own(JS_NewSyntaxError(context_, "%s", text.c_str()));
    case ErrorType::reference_error:
      return own(JS_NewReferenceError(context_, "%s", text.c_str()));
    case ErrorType::error:
      break;
  }
  return own(JS_NewPlainError(context_, "%s", text.c_str()));
}

Value QuickJsEngine::function(const std::string& name, int length, Op op, void* context) {
  return owning_function(name, length, op, context, nullptr);
}

Value QuickJsEngine::owning_function(const std::string& name, int length, Op op, void* context,
                                     void (*finalize)(void*)) {
  const auto drop = [](void* opaque) {
    auto* record = static_cast<OpRecord*>(opaque);
    if (record->finalize != nullptr) record->finalize(record->context);
    delete record;
  };
  auto* record = new OpRecord{this, op, context, finalize};
  return own(JS_NewCClosure(context_, invoke, name.c_str(), drop, length, 0, record));
}

Value QuickJsEngine::handle(const void* tag, void* pointer, void (*finalize)(void*)) {
  const Value object = own(JS_NewObjectProtoClass(context_, JS_NULL, handle_class_));
  JS_SetOpaque(js(object), new Handle{tag, pointer, finalize});
  return object;
}

void* QuickJsEngine::handle_pointer(Value value, const void* tag) {
  const auto* handle = static_cast<Handle*>(JS_GetOpaque(js(value), handle_class_));
  return handle != nullptr && handle->tag == tag ? handle->pointer : nullptr;
}

// --- Keepers ---

class QuickJsKeeper final : public Keeper {
 public:
  QuickJsKeeper(QuickJsEngine& engine, void* pointer, void (*finalize)(void*))
      : engine_(engine), pointer_(pointer), finalize_(finalize) {}

  Value object() override { return engine_.own(JS_DupValue(engine_.context_, object_)); }

  std::uint32_t keep(Value value) override {
    JSValue kept = JS_DupValue(engine_.context_, QuickJsEngine::js(value));
    if (free_.empty()) {
      values_.push_back(kept);
      return static_cast<std::uint32_t>(values_.size() - 1);
    }
    const std::uint32_t slot = free_.back();
    free_.pop_back();
    values_[slot] = kept;
    return slot;
  }

  Value kept(std::uint32_t slot) override { return engine_.own(JS_DupValue(engine_.context_, values_.at(slot))); }

  void drop(std::uint32_t slot) override {
    JSValue value = std::exchange(values_.at(slot), JS_UNDEFINED);
    free_.push_back(slot);
    JS_FreeValue(engine_.context_, value);
  }

  void* pointer() const { return pointer_; }

  void mark(JSRuntime* runtime, JS_MarkFunc* visit) const {
    for (JSValueConst value : values_) JS_MarkValue(runtime, value, visit);
  }

  void finalize(JSRuntime* runtime) {
    finalize_(pointer_);
    for (JSValue value : values_) JS_FreeValueRT(runtime, value);
    delete this;
  }

  JSValue object_ = JS_UNDEFINED;  // not owned: the object owns this

 private:
  QuickJsEngine& engine_;
  void* pointer_;
  void (*finalize_)(void*);
  std::vector<JSValue> values_;
  std::vector<std::uint32_t> free_;
};

void QuickJsEngine::add_keeper_class() {
  JS_NewClassID(runtime_, &keeper_class_);
  JSClassDef definition = {};
  definition.class_name = "Keeper";
  definition.finalizer = [](JSRuntime* runtime, JSValueConst value) {
    JSClassID id;
    if (auto* keeper = static_cast<QuickJsKeeper*>(JS_GetAnyOpaque(value, &id))) keeper->finalize(runtime);
  };
  definition.gc_mark = [](JSRuntime* runtime, JSValueConst value, JS_MarkFunc* visit) {
    JSClassID id;
    if (const auto* keeper = static_cast<QuickJsKeeper*>(JS_GetAnyOpaque(value, &id))) keeper->mark(runtime, visit);
  };
  JS_NewClass(runtime_, keeper_class_, &definition);
}

Keeper& QuickJsEngine::keeper(void* pointer, void (*finalize)(void*)) {
  const Value object = own(JS_NewObjectProtoClass(context_, JS_NULL, keeper_class_));
  auto* keeper = new QuickJsKeeper(*this, pointer, finalize);
  keeper->object_ = js(object);
  JS_SetOpaque(keeper->object_, keeper);
  return *keeper;
}

Value QuickJsEngine::bound_function(const std::string& name, int length, Keeper& keeper, BoundOp op,
                                    std::uint32_t index) {
  // Data of the function: the keeper, the number, the op as a number that its 48 bits of address fit exactly.
  const auto address = static_cast<double>(reinterpret_cast<std::uintptr_t>(op));
  JSValueConst data[] = {static_cast<QuickJsKeeper&>(keeper).object_, JS_NewUint32(context_, index),
                         JS_NewFloat64(context_, address)};
  return own(JS_NewCFunctionData2(context_, invoke_bound, name.c_str(), length, 0, 3, data));
}

JSValue QuickJsEngine::invoke_bound(JSContext* context, JSValueConst, int argc, JSValueConst* argv, int,
                                    JSValueConst* data) {
  auto& engine = *static_cast<QuickJsEngine*>(JS_GetContextOpaque(context));
  const auto* keeper = static_cast<QuickJsKeeper*>(JS_GetOpaque(data[0], engine.keeper_class_));
  const auto index = static_cast<std::uint32_t>(engine.as_number(borrowed(data[1])));
  const auto op = reinterpret_cast<BoundOp>(static_cast<std::uintptr_t>(engine.as_number(borrowed(data[2]))));
  const Scope scope(engine);
  return guarded(context, engine, [&] {
    const std::span<const Value> args(reinterpret_cast<const Value*>(argv), static_cast<std::size_t>(argc));
    return JS_DupValue(context, js(op(engine, keeper->pointer(), index, args)));
  });
}

// --- Buffers ---

Value QuickJsEngine::array_buffer(std::span<const std::byte> copy_of) {
  return own(JS_NewArrayBufferCopy(context_, reinterpret_cast<const std::uint8_t*>(copy_of.data()), copy_of.size()));
}

Value QuickJsEngine::array_buffer(std::size_t size) {
  void* data = js_calloc(context_, 1, size == 0 ? 1 : size);
  if (data == nullptr) throw_pending();
  const auto release = [](JSRuntime* runtime, void*, void* pointer, std::size_t bytes) -> void* {
    if (bytes != 0) return js_realloc_rt(runtime, pointer, bytes);
    js_free_rt(runtime, pointer);
    return nullptr;
  };
  return own(JS_NewArrayBuffer(context_, static_cast<std::uint8_t*>(data), size, 0, release, nullptr, false));
}

void* QuickJsEngine::resize_external(JSRuntime* runtime, void* opaque, void* data, std::size_t size) {
  auto* external = static_cast<External*>(opaque);
  if (size != 0 && external->in_place) {
    external->size = size;
    return data;
  }
  if (size == 0) {
    if (external->foreign) {
      if (external->release != nullptr) external->release(data, external->size, external->opaque);
    } else {
      js_free_rt(runtime, data);
    }
    delete external;
    return nullptr;
  }
  if (!external->foreign) return js_realloc_rt(runtime, data, size);
  void* moved = js_malloc_rt(runtime, size);
  if (moved == nullptr) return nullptr;
  std::memcpy(moved, data, std::min(size, external->size));
  if (external->release != nullptr) external->release(data, external->size, external->opaque);
  external->foreign = false;
  return moved;
}

Value QuickJsEngine::external_array_buffer(void* data, std::size_t size, ReleaseBuffer release, void* opaque) {
  auto* external = new External{size, release, opaque, true};
  return own(JS_NewArrayBuffer(context_, static_cast<std::uint8_t*>(data), size, 0, resize_external, external, false));
}

Value QuickJsEngine::external_shared_array_buffer(void* data, std::size_t size, ReleaseBuffer release, void* opaque) {
  const Value buffer =
      own(JS_NewArrayBuffer(context_, static_cast<std::uint8_t*>(data), size, 0, nullptr, nullptr, true));
  foreign_shared_.emplace(data, ForeignShared{size, release, opaque});
  return buffer;
}

// Shared memory counts as all memory of the engine does; QuickJS throws nothing where there is none.
void* QuickJsEngine::allocate_shared(void* opaque, std::size_t size) {
  return js_calloc(static_cast<QuickJsEngine*>(opaque)->context_, 1, size);
}

// QuickJS gives the memory of every SharedArrayBuffer back here, whoever made it.
void QuickJsEngine::free_shared(void* opaque, void* data) {
  auto& engine = *static_cast<QuickJsEngine*>(opaque);
  auto& foreign = engine.foreign_shared_;
  const auto found = foreign.find(data);
  if (found == foreign.end()) return js_free_rt(engine.runtime_, data);
  const ForeignShared memory = found->second;
  foreign.erase(found);
  if (memory.release != nullptr) memory.release(data, memory.size, memory.opaque);
}

Value QuickJsEngine::resizable_array_buffer(void* data, std::size_t size, std::size_t most, bool shared,
                                            ReleaseBuffer release, void* opaque) {
  auto* bytes = static_cast<std::uint8_t*>(data);
  if (shared) {
    const Value buffer = own(JS_NewArrayBuffer(context_, bytes, size, most, nullptr, nullptr, true));
    foreign_shared_.emplace(data, ForeignShared{size, release, opaque});
    return buffer;
  }
  auto* external = new External{size, release, opaque, true, true};
  return own(JS_NewArrayBuffer(context_, bytes, size, most, resize_external, external, false));
}

// QuickJS clears what an ArrayBuffer gains, so that part is put aside.
void QuickJsEngine::set_length(Value array_buffer, std::size_t size) {
  const auto view = buffer_view(array_buffer);
  if (!view || size <= view->size) return;
  std::vector<std::byte> gained;
  if (!view->shared) gained.assign(view->data + view->size, view->data + size);
  const Value length = number(static_cast<double>(size));
  call(borrowed(view->shared ? grow_ : resize_), array_buffer, std::span(&length, 1));
  if (!view->shared) std::memcpy(view->data + view->size, gained.data(), gained.size());
}

void QuickJsEngine::detach(Value array_buffer) { JS_DetachArrayBuffer(context_, js(array_buffer)); }

bool QuickJsEngine::is_detached(Value array_buffer) {
  std::size_t size = 0;
  if (JS_GetArrayBuffer(context_, &size, js(array_buffer)) != nullptr || !JS_HasException(context_)) return false;
  JS_FreeValue(context_, JS_GetException(context_));
  return true;
}

Value QuickJsEngine::view(ElementType type, Value array_buffer, std::size_t byte_offset, std::size_t length) {
  if (type == ElementType::array_buffer) return array_buffer;
  JSValue args[] = {js(array_buffer), JS_NewNumber(context_, static_cast<double>(byte_offset)),
                    JS_NewNumber(context_, static_cast<double>(length))};
  if (type == ElementType::data_view) {
    return own(JS_CallConstructor(context_, data_view_, 3, args));
  }
  return own(JS_NewTypedArray(context_, 3, args, kTypedArrays[static_cast<std::size_t>(type)]));
}

// An ArrayBuffer or SharedArrayBuffer; on a detached one the pending exception is dropped and nothing is returned.
std::optional<BufferView> QuickJsEngine::buffer_view(Value value) {
  const JSValue object = js(value);
  if (!JS_IsObject(object)) return std::nullopt;
  if (const int type = JS_GetTypedArrayType(object); type >= 0) {
    std::size_t offset = 0, size = 0;
    JSValue buffer = JS_GetTypedArrayBuffer(context_, object, &offset, &size, nullptr);
    if (JS_IsException(buffer)) {
      JS_FreeValue(context_, JS_GetException(context_));
      return std::nullopt;
    }
    std::optional<BufferView> whole = buffer_view(borrowed(buffer));
    JS_FreeValue(context_, buffer);
    if (!whole) return std::nullopt;
    // The data view is stretched over what the typed array sees: its length may follow a resizable buffer.
    return BufferView{element_type(type), whole->data + offset, size, offset, whole->shared};
  }
  if (JS_IsDataView(object)) {
    const Scope scope(*this);
    try {
      const Value buffer = call(borrowed(view_buffer_), value, {});
      const auto offset = static_cast<std::size_t>(as_number(call(borrowed(view_offset_), value, {})));
      const auto size = static_cast<std::size_t>(as_number(call(borrowed(view_length_), value, {})));
      const std::optional<BufferView> whole = buffer_view(buffer);
      if (!whole) return std::nullopt;
      return BufferView{ElementType::data_view, whole->data + offset, size, offset, whole->shared};
    } catch (const Thrown&) {
      return std::nullopt;
    }
  }
  std::size_t size = 0;
  std::uint8_t* data = JS_GetArrayBuffer(context_, &size, object);
  if (data == nullptr && JS_HasException(context_)) {
    JS_FreeValue(context_, JS_GetException(context_));
    return std::nullopt;
  }
  return BufferView{ElementType::array_buffer, reinterpret_cast<std::byte*>(data), size, 0, !JS_IsArrayBuffer(object)};
}

Value QuickJsEngine::buffer_of(Value view) {
  const JSValue object = js(view);
  if (JS_GetTypedArrayType(object) >= 0) {
    return own(JS_GetTypedArrayBuffer(context_, object, nullptr, nullptr, nullptr));
  }
  if (JS_IsDataView(object)) return call(borrowed(view_buffer_), view, {});
  return view;
}

// --- Looking at values ---

Kind QuickJsEngine::kind(Value value) {
  switch (JS_VALUE_GET_NORM_TAG(js(value))) {
    case JS_TAG_INT:
    case JS_TAG_FLOAT64:
      return Kind::number;
    case JS_TAG_BOOL:
      return Kind::boolean;
    case JS_TAG_NULL:
      return Kind::null;
    case JS_TAG_STRING:
    case JS_TAG_STRING_ROPE:
      return Kind::string;
    case JS_TAG_SYMBOL:
      return Kind::symbol;
    case JS_TAG_BIG_INT:
    case JS_TAG_SHORT_BIG_INT:
      return Kind::bigint;
    case JS_TAG_OBJECT:
      return JS_IsFunction(context_, js(value)) ? Kind::function : Kind::object;
    default:
      return Kind::undefined;
  }
}

bool QuickJsEngine::is_array(Value value) { return JS_IsArray(js(value)); }
bool QuickJsEngine::is_date(Value value) { return JS_IsDate(js(value)); }
bool QuickJsEngine::is_error(Value value) { return JS_IsError(js(value)); }
bool QuickJsEngine::is_map(Value value) { return JS_IsMap(js(value)); }
bool QuickJsEngine::is_set(Value value) { return JS_IsSet(js(value)); }
bool QuickJsEngine::same(Value a, Value b) { return JS_IsStrictEqual(context_, js(a), js(b)); }
bool QuickJsEngine::truthy(Value value) { return JS_ToBool(context_, js(value)) > 0; }

double QuickJsEngine::as_number(Value value) {
  const JSValue v = js(value);
  if (JS_VALUE_GET_TAG(v) == JS_TAG_INT) return JS_VALUE_GET_INT(v);
  if (JS_VALUE_GET_NORM_TAG(v) == JS_TAG_FLOAT64) return JS_VALUE_GET_FLOAT64(v);
  return std::numeric_limits<double>::quiet_NaN();
}

std::string QuickJsEngine::to_string(Value value) {
  std::size_t size = 0;
  const char* text = JS_ToCStringLen(context_, &size, js(value));
  if (text == nullptr) throw_pending();
  std::string result(text, size);
  JS_FreeCString(context_, text);
  replace_surrogates(result);
  return result;
}

double QuickJsEngine::to_number(Value value) {
  double result = 0;
  check(JS_ToFloat64(context_, &result, js(value)));
  return result;
}

std::int32_t QuickJsEngine::to_int32(Value value) {
  std::int32_t result = 0;
  check(JS_ToInt32(context_, &result, js(value)));
  return result;
}

std::int64_t QuickJsEngine::to_bigint64(Value value) {
  std::int64_t result = 0;
  check(JS_ToBigInt64(context_, &result, js(value)));
  return result;
}

std::uint32_t QuickJsEngine::string_length(Value string) { return dcp_string_length(js(string)); }

void QuickJsEngine::for_each_stretch(Value string, const std::function<bool(StringUnits)>& take) {
  const auto call = [](void* opaque, const void* units, std::uint32_t length, int is_wide) -> int {
    return (*static_cast<const std::function<bool(StringUnits)>*>(opaque))({units, length, is_wide != 0}) ? 1 : 0;
  };
  (void)dcp_string_stretches(js(string), call, const_cast<std::function<bool(StringUnits)>*>(&take));
}

StringUnits QuickJsEngine::string_units(Value string) {
  int is_wide = 0;
  const void* data = dcp_string_units(context_, js(string), &is_wide);
  if (data == nullptr) throw_pending();
  return {data, dcp_string_length(js(string)), is_wide != 0};
}

double QuickJsEngine::date_value(Value value) { return as_number(call(borrowed(get_time_), value, {})); }

PromiseState QuickJsEngine::promise_state(Value value) {
  switch (JS_PromiseState(context_, js(value))) {
    case JS_PROMISE_PENDING:
      return PromiseState::pending;
    case JS_PROMISE_FULFILLED:
      return PromiseState::fulfilled;
    case JS_PROMISE_REJECTED:
      return PromiseState::rejected;
    default:
      return PromiseState::not_a_promise;
  }
}

Value QuickJsEngine::promise_result(Value value) { return own(JS_PromiseResult(context_, js(value))); }

// --- Properties ---

namespace {

class Atom {
 public:
  Atom(JSContext* context, std::string_view name)
      : context_(context), atom_(JS_NewAtomLen(context, name.data(), name.size())) {}
  Atom(const Atom&) = delete;
  Atom& operator=(const Atom&) = delete;
  ~Atom() { JS_FreeAtom(context_, atom_); }
  operator JSAtom() const { return atom_; }

 private:
  JSContext* context_;
  JSAtom atom_;
};

}  // namespace

Value QuickJsEngine::get(Value object, std::string_view name) {
  return own(JS_GetProperty(context_, js(object), Atom(context_, name)));
}

Value QuickJsEngine::get(Value object, std::uint32_t index) {
  return own(JS_GetPropertyUint32(context_, js(object), index));
}

void QuickJsEngine::set(Value object, std::string_view name, Value value) {
  check(JS_SetProperty(context_, js(object), Atom(context_, name), JS_DupValue(context_, js(value))));
}

void QuickJsEngine::set(Value object, std::uint32_t index, Value value) {
  check(JS_SetPropertyUint32(context_, js(object), index, JS_DupValue(context_, js(value))));
}

void QuickJsEngine::define(Value object, std::string_view name, Value value) {
  check(JS_DefinePropertyValue(context_, js(object), Atom(context_, name), JS_DupValue(context_, js(value)),
                               JS_PROP_CONFIGURABLE | JS_PROP_WRITABLE | JS_PROP_THROW));
}

void QuickJsEngine::define_own(Value object, std::string_view name, Value value) {
  check(JS_DefinePropertyValue(context_, js(object), Atom(context_, name), JS_DupValue(context_, js(value)),
                               JS_PROP_C_W_E | JS_PROP_THROW));
}

std::uint64_t QuickJsEngine::length(Value object) {
  std::int64_t result = 0;
  check(JS_GetLength(context_, js(object), &result));
  return static_cast<std::uint64_t>(result);
}

std::vector<std::string> QuickJsEngine::keys(Value object) {
  JSPropertyEnum* properties = nullptr;
  std::uint32_t count = 0;
  check(JS_GetOwnPropertyNames(context_, &properties, &count, js(object), JS_GPN_STRING_MASK | JS_GPN_ENUM_ONLY));
  std::vector<std::string> names;
  names.reserve(count);
  for (std::uint32_t i = 0; i < count; ++i) {
    std::size_t size = 0;
    const char* text = JS_AtomToCStringLen(context_, &size, properties[i].atom);
    if (text == nullptr) break;
    names.emplace_back(text, size);
    JS_FreeCString(context_, text);
  }
  JS_FreePropertyEnum(context_, properties, count);
  if (names.size() != count) throw_pending();
  return names;
}

std::string QuickJsEngine::text_property(JSValueConst object, const char* name) {
  try {
    const Value value = own(JS_GetPropertyStr(context_, object, name));
    return kind(value) == Kind::undefined ? "" : to_string(value);
  } catch (const Thrown&) {
    return "";
  }
}

Engine::ErrorText QuickJsEngine::describe_error(Value error) {
  const Scope scope(*this);
  const JSValue value = js(error);
  if (JS_IsObject(value)) {
    ErrorText text{text_property(value, "name"), text_property(value, "message"), text_property(value, "stack")};
    if (!text.name.empty() || !text.message.empty()) return text;
  }
  try {
    return {"", kind(error) == Kind::symbol ? "a symbol" : to_string(error), ""};
  } catch (const Thrown&) {
    return {"", "a value that cannot be converted to a string", ""};
  }
}

}  // namespace dcp::engine::quickjs

namespace dcp::engine {

std::unique_ptr<Engine> make_quickjs(const Limits& limits) { return std::make_unique<quickjs::QuickJsEngine>(limits); }

}  // namespace dcp::engine
