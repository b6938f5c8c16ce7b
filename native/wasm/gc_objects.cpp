// anyref and the types below it at the border: numbers are i31, opaque objects are structs and arrays, and everything
// else is an external reference in disguise (JavaScript API, ToWebAssemblyValue and ToJSValue).
#include "wasm/gc_objects.hpp"

#include <cmath>

namespace dcp::wasm {

namespace {

const char kGcTag = 0;

GcObject* gc_object_of(Engine& js, Value handle) { return static_cast<GcObject*>(js.handle_pointer(handle, &kGcTag)); }

std::optional<std::int32_t> small_integer(Engine& js, Value value) {
  constexpr double limit = 1 << 30;
  const double number = js.as_number(value);  // NaN for what is no number
  const bool is_negative_zero = number == 0 && std::signbit(number);
  if (!(number >= -limit && number < limit) || number != std::trunc(number) || is_negative_zero) return std::nullopt;
  return static_cast<std::int32_t>(number);
}

// Converts a value in the store by one of the two functions of the module that does nothing else.
RootedValue convert(Store& store, wasmtime_func_t& function, wasmtime_val_t given) {
  RootedValue result;
  wasm_trap_t* trap = nullptr;
  wasmtime_error_t* error = wt.wasmtime_func_call(store.context(), &function, &given, 1, result.fill(), 1, &trap);
  if (error != nullptr || trap != nullptr) store.raise_failure(error, trap);
  return result;
}

}  // namespace

GcObject::GcObject(Store& of, Rooted<wasmtime_anyref_t> made)
    : store(of), reference(std::move(made)), raw(wt.wasmtime_anyref_to_raw(of.context(), reference.get())) {
  store.gc_objects().insert_or_assign(raw, this);
}

GcObject::~GcObject() {
  const auto known = store.gc_objects().find(raw);
  if (known != store.gc_objects().end() && known->second == this) store.gc_objects().erase(known);
}

Store::Converters& Store::converters() {
  if (converters_) return *converters_;
  wasmtime_instance_t instance = {};
  wasm_trap_t* trap = nullptr;
  host_.check(wt.wasmtime_instance_new(context_, host_.converter_module(), nullptr, 0, &instance, &trap),
              Failure::range);
  converters_.emplace();
  char* name = nullptr;
  std::size_t length = 0;
  wasmtime_extern_t item = {};
  for (std::size_t i = 0; i < 2; ++i) {
    wt.wasmtime_instance_export_nth(context_, &instance, i, &name, &length, &item);
    (i == 0 ? converters_->internalize : converters_->externalize) = item.of.func;
  }
  return *converters_;
}

// A struct, an array or an i31; nothing for every other value.
std::optional<RootedValue> Store::inner_to_wasm(ValueType type, Value value) {
  wasmtime_val_t result = {};
  result.kind = kAnyrefValue;
  if (const auto small = small_integer(js(), value); small && type.holds_i31) {
    wt.wasmtime_anyref_from_i31(context_, static_cast<std::uint32_t>(*small), &result.of.anyref);
    return RootedValue(result);
  }
  if (js().kind(value) != engine::Kind::object || gc_objects_made_ == 0) return std::nullopt;
  const Value handle = host_.call_hook(Hook::gc_handle, std::span(&value, 1));
  GcObject* known = gc_object_of(js(), handle);
  if (known == nullptr) return std::nullopt;
  if (&known->store != this) host_.raise(Failure::type, "the WebAssembly object belongs to another store");
  wt.wasmtime_anyref_clone(known->reference.get(), &result.of.anyref);
  return RootedValue(result);
}

RootedValue Store::any_to_wasm(ValueType type, Value value) {
  if (auto inner = inner_to_wasm(type, value)) return std::move(*inner);
  if (!type.holds_any) host_.raise(Failure::type, "the value is none of the WebAssembly reference type");
  return convert(*this, converters().internalize, *to_wasm({Kind::externref, true}, value));
}

// A struct, an array or an i31 as an external reference, in which wasm recognizes it; nothing for every other value.
std::optional<RootedValue> Store::externalize(Value value) {
  auto inner = inner_to_wasm({Kind::anyref, true, true, true}, value);
  if (!inner) return std::nullopt;
  return convert(*this, converters().externalize, **inner);
}

Value Store::any_to_js(wasmtime_anyref_t reference) {
  std::int32_t small = 0;
  if (wt.wasmtime_anyref_i31_get_s(context_, &reference, &small)) return js().number(small);
  if (wt.wasmtime_anyref_is_struct(context_, &reference) || wt.wasmtime_anyref_is_array(context_, &reference)) {
    return gc_object(reference);
  }
  wasmtime_val_t given = {};
  given.kind = kAnyrefValue;
  given.of.anyref = reference;
  return to_js(*convert(*this, converters().externalize, given));
}

// An external reference that is a struct, an array or an i31 in disguise.
Value Store::disguised_to_js(wasmtime_externref_t reference) {
  wasmtime_val_t given = {};
  given.kind = WASMTIME_EXTERNREF;
  given.of.externref = reference;
  return any_to_js(convert(*this, converters().internalize, given)->of.anyref);
}

Value Store::gc_object(wasmtime_anyref_t reference) {
  const std::uint32_t raw = wt.wasmtime_anyref_to_raw(context_, &reference);
  if (const auto known = gc_objects_.find(raw); known != gc_objects_.end()) {
    const Value weak = known->second->object.get();
    const Value object = host_.call_hook(Hook::deref, std::span(&weak, 1));
    if (js().kind(object) == engine::Kind::object) return object;
  }
  Rooted<wasmtime_anyref_t> kept;
  wt.wasmtime_anyref_clone(&reference, kept.fill());
  auto made = std::make_unique<GcObject>(*this, std::move(kept));
  ++gc_objects_made_;
  const Value handle = js().handle(&kGcTag, made.get(), [](void* pointer) { delete static_cast<GcObject*>(pointer); });
  (void)made.release();
  return host_.call_hook(Hook::make_gc_object, std::span(&handle, 1));
}

// (handle, WeakRef of the opaque object) -> the keeper of its store, for the object to hold
Value op_gc_bind(Engine& js, void* context, Args args) {
  GcObject* object = gc_object_of(js, args[0]);
  if (object == nullptr) host_of(context).raise(Failure::type, "no WebAssembly object");
  object->object = Ref(js, args[1]);
  return object->store.keeper().object();
}

}  // namespace dcp::wasm
