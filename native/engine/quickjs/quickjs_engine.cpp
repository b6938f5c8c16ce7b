#include "engine/quickjs/quickjs_engine.hpp"

#include <sys/random.h>

#include <cstring>
#include <new>
#include <stdexcept>
#include <utility>

#include "engine/quickjs/atomics.h"
#include "engine/quickjs/memory.h"
#include "engine/quickjs/scripts.h"
#include "fdlibm/hypotenuse.hpp"

namespace dcp::engine::quickjs {

QuickJsEngine::QuickJsEngine(const Limits& limits) : runtime_(JS_NewRuntime()) {
  if (runtime_ == nullptr) throw std::bad_alloc();
  context_ = JS_NewContextRaw(runtime_);
  if (context_ == nullptr) throw std::bad_alloc();
  JS_SetContextOpaque(context_, this);
  const JSSharedArrayBufferFunctions shared = {allocate_shared, free_shared, nullptr, this};
  JS_SetSharedArrayBufferFunctions(runtime_, &shared);
  JS_SetCanBlock(runtime_, true);
  JS_SetHostPromiseRejectionTracker(runtime_, reject, this);
  JS_SetModuleLoaderFunc2(runtime_, nullptr, load, nullptr, this);
  add_handle_class();
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
  dcp_forget_waiters(runtime_);
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

bool QuickJsEngine::take_out_of_memory() {
  const bool own = dcp_take_out_of_memory(runtime_) != 0;
  return Engine::take_out_of_memory() || own;
}

bool QuickJsEngine::is_full() { return memory_limit_ != 0 && dcp_is_full(runtime_, kMemoryReserve) != 0; }

void QuickJsEngine::collect_garbage() { JS_RunGC(runtime_); }

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

}  // namespace dcp::engine::quickjs

namespace dcp::engine {

std::unique_ptr<Engine> make_quickjs(const Limits& limits) { return std::make_unique<quickjs::QuickJsEngine>(limits); }

}  // namespace dcp::engine
