// Exported functions (JavaScript calls wasm) and imported ones (wasm calls JavaScript).
#include "wasm/functions.hpp"

#include <array>
#include <charconv>

namespace dcp::wasm {

namespace {

// Calls with at most this many values need no allocation.
constexpr std::size_t kInline = 16;

template <typename T>
class Slots {
 public:
  explicit Slots(std::size_t size) : size_(size) {
    if (size > kInline) more_.resize(size);
  }
  T* data() { return size_ > kInline ? more_.data() : few_.data(); }
  T& operator[](std::size_t i) { return data()[i]; }
  std::size_t size() const { return size_; }

 private:
  std::size_t size_;
  std::array<T, kInline> few_ = {};
  std::vector<T> more_;
};

// Values of one call, which are rooted until it is over.
class Vals : public Slots<wasmtime_val_t> {
 public:
  explicit Vals(std::size_t size) : Slots(size), roots_(std::span(data(), size)) {}

 private:
  RootedRow roots_;
};

struct HostFunction {
  Store& store;
  std::uint32_t callable;  ///< slot of the keeper
  FunctionType type;
};

// The JavaScript value of a call's results: undefined, the value, or an Array of them.
template <typename Get>
Value results_value(Engine& js, std::size_t count, Get get) {
  if (count == 0) return js.undefined();
  if (count == 1) return get(0);
  std::vector<Value> values(count);
  for (std::size_t i = 0; i < count; ++i) values[i] = get(i);
  return js.array(values);
}

// What an import returned, one value for each result of its type.
std::vector<Value> several_results(Host& host, Value returned, std::size_t count) {
  const Value array = host.call_hook(Hook::to_array, std::span(&returned, 1));
  if (host.js().length(array) != count) {
    host.raise(Failure::type, "an imported function returned a wrong number of values");
  }
  std::vector<Value> values(count);
  for (std::size_t i = 0; i < count; ++i) values[i] = host.js().get(array, static_cast<std::uint32_t>(i));
  return values;
}

Value argument(Engine& js, Args args, std::size_t index) { return index < args.size() ? args[index] : js.undefined(); }

Value call_numeric(Store& store, ExportedFunction& f, Args args) {
  const std::size_t params = f.type.params.size();
  Slots<wasmtime_val_raw_t> slots(std::max(params, f.type.results.size()));
  for (std::size_t i = 0; i < params; ++i) {
    slots[i] = store.to_raw(f.type.params[i].kind, argument(store.js(), args, i));
  }
  wasm_trap_t* trap = nullptr;
  wasmtime_error_t* error =
      wt.wasmtime_func_call_unchecked(store.context(), &f.function, slots.data(), slots.size(), &trap);
  if (error != nullptr || trap != nullptr) store.raise_failure(error, trap);
  store.refresh_buffers();
  return results_value(store.js(), f.type.results.size(),
                       [&](std::size_t i) { return store.from_raw(f.type.results[i].kind, slots[i]); });
}

// With references: wasmtime checks them against the types that Kind does not tell apart.
Value call_checked(Store& store, ExportedFunction& f, Args args) {
  Vals params(f.type.params.size());
  Vals results(f.type.results.size());
  for (std::size_t i = 0; i < params.size(); ++i) {
    params[i] = store.to_wasm(f.type.params[i], argument(store.js(), args, i)).release();
  }
  wasm_trap_t* trap = nullptr;
  wasmtime_error_t* error = wt.wasmtime_func_call(store.context(), &f.function, params.data(), params.size(),
                                                  results.data(), results.size(), &trap);
  if (error != nullptr || trap != nullptr) store.raise_failure(error, trap);
  store.refresh_buffers();
  return results_value(store.js(), results.size(), [&](std::size_t i) { return store.to_js(results[i]); });
}

// Runs `body` between wasm and JavaScript: no C++ exception leaves it.
template <typename Body>
std::size_t guarded(HostFunction& f, Body body) {
  Store& store = f.store;
  const engine::Scope scope(store.js());
  try {
    store.refresh_buffers();
    if (!f.type.callable)
      store.host().raise(Failure::type, "the import's type has a value that JavaScript cannot hold");
    body();
    return 0;
  } catch (engine::Thrown& thrown) {
    return store.throw_into_wasm(std::move(thrown));
  } catch (const std::exception& error) {
    return store.throw_into_wasm({Ref(store.js(), store.js().error(engine::ErrorType::range_error, error.what()))});
  }
}

std::size_t import_numeric(void* env, wasmtime_caller_t*, wasmtime_val_raw_t* slots, std::size_t) {
  auto& f = *static_cast<HostFunction*>(env);
  return guarded(f, [&] {
    Store& store = f.store;
    Slots<Value> args(f.type.params.size());
    for (std::size_t i = 0; i < args.size(); ++i) args[i] = store.from_raw(f.type.params[i].kind, slots[i]);
    const Value returned = store.js().call(store.keeper().kept(f.callable), store.js().undefined(),
                                           std::span<const Value>(args.data(), args.size()));
    const std::size_t count = f.type.results.size();
    if (count == 1) slots[0] = store.to_raw(f.type.results[0].kind, returned);
    if (count < 2) return;
    const std::vector<Value> values = several_results(store.host(), returned, count);
    for (std::size_t i = 0; i < count; ++i) slots[i] = store.to_raw(f.type.results[i].kind, values[i]);
  });
}

std::size_t import_checked(void* env, wasmtime_caller_t*, wasmtime_val_t* params, std::size_t, wasmtime_val_t* results,
                           std::size_t count) {
  auto& f = *static_cast<HostFunction*>(env);
  return guarded(f, [&] {
    Store& store = f.store;
    Slots<Value> args(f.type.params.size());
    for (std::size_t i = 0; i < args.size(); ++i) args[i] = store.to_js(params[i]);
    const Value returned = store.js().call(store.keeper().kept(f.callable), store.js().undefined(),
                                           std::span<const Value>(args.data(), args.size()));
    if (count == 1) results[0] = store.to_wasm(f.type.results[0], returned).release();
    if (count < 2) return;
    const std::vector<Value> values = several_results(store.host(), returned, count);
    for (std::size_t i = 0; i < count; ++i) results[i] = store.to_wasm(f.type.results[i], values[i]).release();
  });
}

void drop_host_function(void* env) { delete static_cast<HostFunction*>(env); }

}  // namespace

Value call_export(Engine&, void* pointer, std::uint32_t index, Args args) {
  Store& store = *static_cast<Store*>(pointer);
  ExportedFunction& f = store.exported(index);
  if (f.type.numeric) return call_numeric(store, f, args);
  if (!f.type.callable) {
    store.host().raise(Failure::type, "the function's type has a value that JavaScript cannot hold (v128 or exnref)");
  }
  return call_checked(store, f, args);
}

// wasmtime's handle points to a function reference that each importing instance has a copy of: array-call entry, wasm
// entry (filled late), type, context. Entry and context identify the function. Pinned with the version of wasmtime.
Store::FunctionKey Store::function_key(const wasmtime_func_t& function) {
  const auto* words = static_cast<const void* const*>(function.private_);
  return {words[0], words[3]};
}

Value Store::intern_function(const wasmtime_func_t& function, std::int64_t index) {
  const FunctionKey key = function_key(function);
  if (const auto found = functions_.find(key); found != functions_.end()) {
    Extern& known = host_.item(found->second);
    return known.store.keeper().kept(*known.object);
  }
  wasmtime_extern_t made = {};
  made.kind = WASMTIME_EXTERN_FUNC;
  made.of.func = function;
  const Owned<wasm_functype_t> type(wt.wasmtime_func_type(context_, &made.of.func));
  exported_.push_back(std::make_unique<ExportedFunction>(ExportedFunction{function, function_type(type.get())}));
  const int length = static_cast<int>(exported_.back()->type.params.size());
  const std::string name = index < 0 ? "" : std::to_string(index);
  const Value value = host_.support().bound_function(name, length, keeper_, call_export,
                                                     static_cast<std::uint32_t>(exported_.size() - 1));
  const std::uint32_t id = host_.add(*this, made);
  functions_.emplace(key, id);
  host_.item(id).object = keeper_.keep(value);
  const Value args[] = {value, js().number(id)};
  host_.call_hook(Hook::register_function, args);
  return value;
}

wasmtime_func_t Store::host_function(Value callable, wasm_functype_t* type) {
  auto env = std::make_unique<HostFunction>(HostFunction{*this, keeper_.keep(callable), function_type(type)});
  const bool numeric = env->type.numeric;
  wasmtime_func_t function = {};
  if (numeric) {
    wt.wasmtime_func_new_unchecked(context_, type, import_numeric, env.release(), drop_host_function, &function);
  } else {
    wt.wasmtime_func_new(context_, type, import_checked, env.release(), drop_host_function, &function);
  }
  return function;
}

// The keeper of this store keeps the function, and with it the other store.
wasmtime_func_t Store::function(std::uint32_t id) {
  Extern& known = host_.item(id);
  if (&known.store == this) return known.item.of.func;
  if (const auto found = foreign_.find(id); found != foreign_.end()) return found->second;
  const Owned<wasm_functype_t> type(wt.wasmtime_func_type(known.store.context(), &known.item.of.func));
  const wasmtime_func_t made = host_function(known.store.keeper().kept(*known.object), type.get());
  foreign_.emplace(id, made);
  functions_.emplace(function_key(made), id);
  return made;
}

}  // namespace dcp::wasm
