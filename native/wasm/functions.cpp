// Exported functions (JavaScript calls wasm) and imported ones (wasm calls JavaScript).
#include <array>
#include <charconv>

#include "wasm/host.hpp"

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

// References made for one call; unrooted when it is over, however it ends.
class Vals : public Slots<wasmtime_val_t> {
 public:
  using Slots::Slots;
  ~Vals() {
    for (std::size_t i = 0; i < size(); ++i) wt.wasmtime_val_unroot(&(*this)[i]);
  }
};

struct ExportedFunction {
  Host& host;
  wasmtime_func_t function;
  FunctionType type;
};

struct HostFunction {
  Host& host;
  Ref callable;
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
  const Value array = host.call_hook("toArray", std::span(&returned, 1));
  if (host.js().length(array) != count) {
    host.raise(Failure::type, "an imported function returned a wrong number of values");
  }
  std::vector<Value> values(count);
  for (std::size_t i = 0; i < count; ++i) values[i] = host.js().get(array, static_cast<std::uint32_t>(i));
  return values;
}

Value argument(Engine& js, Args args, std::size_t index) { return index < args.size() ? args[index] : js.undefined(); }

Value call_numeric(ExportedFunction& f, Args args) {
  Host& host = f.host;
  const std::size_t params = f.type.params.size();
  Slots<wasmtime_val_raw_t> slots(std::max(params, f.type.results.size()));
  for (std::size_t i = 0; i < params; ++i) {
    slots[i] = host.to_raw(f.type.params[i].kind, argument(host.js(), args, i));
  }
  wasm_trap_t* trap = nullptr;
  wasmtime_error_t* error =
      wt.wasmtime_func_call_unchecked(host.context(), &f.function, slots.data(), slots.size(), &trap);
  if (error != nullptr || trap != nullptr) host.raise_failure(error, trap);
  host.refresh_buffers();
  return results_value(host.js(), f.type.results.size(),
                       [&](std::size_t i) { return host.from_raw(f.type.results[i].kind, slots[i]); });
}

// With references: wasmtime checks them against the types that Kind does not tell apart.
Value call_checked(ExportedFunction& f, Args args) {
  Host& host = f.host;
  Vals params(f.type.params.size());
  Vals results(f.type.results.size());
  for (std::size_t i = 0; i < params.size(); ++i) {
    params[i] = host.to_wasm(f.type.params[i], argument(host.js(), args, i));
  }
  wasm_trap_t* trap = nullptr;
  wasmtime_error_t* error = wt.wasmtime_func_call(host.context(), &f.function, params.data(), params.size(),
                                                  results.data(), results.size(), &trap);
  if (error != nullptr || trap != nullptr) host.raise_failure(error, trap);
  host.refresh_buffers();
  return results_value(host.js(), results.size(), [&](std::size_t i) { return host.to_js(results[i]); });
}

// Runs `body` between wasm and JavaScript: no C++ exception leaves it.
template <typename Body>
std::size_t guarded(HostFunction& f, Body body) {
  Host& host = f.host;
  const engine::Scope scope(host.js());
  try {
    host.refresh_buffers();
    if (!f.type.callable) host.raise(Failure::type, "the import's type has a value that JavaScript cannot hold");
    body();
    return 0;
  } catch (engine::Thrown& thrown) {
    return host.throw_into_wasm(std::move(thrown));
  } catch (const std::exception& error) {
    return host.throw_into_wasm({Ref(host.js(), host.js().error(engine::ErrorType::range_error, error.what()))});
  }
}

std::size_t import_numeric(void* env, wasmtime_caller_t*, wasmtime_val_raw_t* slots, std::size_t) {
  auto& f = *static_cast<HostFunction*>(env);
  return guarded(f, [&] {
    Host& host = f.host;
    Slots<Value> args(f.type.params.size());
    for (std::size_t i = 0; i < args.size(); ++i) args[i] = host.from_raw(f.type.params[i].kind, slots[i]);
    const Value returned =
        host.js().call(f.callable.get(), host.js().undefined(), std::span<const Value>(args.data(), args.size()));
    const std::size_t count = f.type.results.size();
    if (count == 1) slots[0] = host.to_raw(f.type.results[0].kind, returned);
    if (count < 2) return;
    const std::vector<Value> values = several_results(host, returned, count);
    for (std::size_t i = 0; i < count; ++i) slots[i] = host.to_raw(f.type.results[i].kind, values[i]);
  });
}

std::size_t import_checked(void* env, wasmtime_caller_t*, wasmtime_val_t* params, std::size_t, wasmtime_val_t* results,
                           std::size_t count) {
  auto& f = *static_cast<HostFunction*>(env);
  return guarded(f, [&] {
    Host& host = f.host;
    Slots<Value> args(f.type.params.size());
    for (std::size_t i = 0; i < args.size(); ++i) args[i] = host.to_js(params[i]);
    const Value returned =
        host.js().call(f.callable.get(), host.js().undefined(), std::span<const Value>(args.data(), args.size()));
    if (count == 1) results[0] = host.to_wasm(f.type.results[0], returned);
    if (count < 2) return;
    const std::vector<Value> values = several_results(host, returned, count);
    for (std::size_t i = 0; i < count; ++i) results[i] = host.to_wasm(f.type.results[i], values[i]);
  });
}

void drop_host_function(void* env) { delete static_cast<HostFunction*>(env); }

}  // namespace

Value call_export(Engine&, void* context, Args args) {
  auto& f = *static_cast<ExportedFunction*>(context);
  if (f.type.numeric) return call_numeric(f, args);
  if (!f.type.callable) {
    f.host.raise(Failure::type, "the function's type has a value that JavaScript cannot hold (v128 or exnref)");
  }
  return call_checked(f, args);
}

// wasmtime's handle points to a function reference that each importing instance has a copy of: array-call entry, wasm
// entry (filled late), type, context. Entry and context identify the function. Pinned with the version of wasmtime.
Host::FunctionKey Host::function_key(const wasmtime_func_t& function) {
  const auto* words = static_cast<const void* const*>(function.private_);
  return {words[0], words[3]};
}

Value Host::intern_function(const wasmtime_func_t& function, std::int64_t index) {
  const FunctionKey key = function_key(function);
  if (const auto found = functions_.find(key); found != functions_.end()) {
    return item(found->second).function.get();
  }
  wasmtime_extern_t made = {};
  made.kind = WASMTIME_EXTERN_FUNC;
  made.of.func = function;
  wasm_functype_t* type = wt.wasmtime_func_type(context(), &made.of.func);
  auto context = std::make_unique<ExportedFunction>(*this, function, function_type(type));
  wt.wasm_functype_delete(type);
  const int length = static_cast<int>(context->type.params.size());
  const std::string name = index < 0 ? "" : std::to_string(index);
  // The context lives as long as the store, and the function is kept with it: the same one is found again.
  const Value value = js_.function(name, length, call_export, context.release());
  const std::uint32_t id = add(made);
  functions_.emplace(key, id);
  item(id).function = Ref(js_, value);
  const Value args[] = {value, js_.number(id)};
  call_hook("registerFunction", args);
  return value;
}

wasmtime_func_t Host::host_function(Value callable, wasm_functype_t* type) {
  auto env = std::make_unique<HostFunction>(*this, Ref(js_, callable), function_type(type));
  const bool numeric = env->type.numeric;
  wasmtime_func_t function = {};
  if (numeric) {
    wt.wasmtime_func_new_unchecked(context(), type, import_numeric, env.release(), drop_host_function, &function);
  } else {
    wt.wasmtime_func_new(context(), type, import_checked, env.release(), drop_host_function, &function);
  }
  return function;
}

}  // namespace dcp::wasm
