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
wasmtime_val_t convert(Store& store, wasmtime_func_t& function, wasmtime_val_t given) {
  wasmtime_val_t result = {};
  wasm_trap_t* trap = nullptr;
  wasmtime_error_t* error = wt.wasmtime_func_call(store.context(), &function, &given, 1, &result, 1, &trap);
  if (error != nullptr || trap != nullptr) store.raise_failure(error, trap);
  return result;
}

}  // namespace

GcObject::GcObject(Store& of, wasmtime_anyref_t made)
    : store(of), reference(made), raw(wt.wasmtime_anyref_to_raw(of.context(), &reference)) {
  store.gc_objects().insert_or_assign(raw, this);
}

GcObject::~GcObject() {
  const auto known = store.gc_objects().find(raw);
  if (known != store.gc_objects().end() && known->second == this) store.gc_objects().erase(known);
  wt.wasmtime_anyref_unroot(&reference);
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

// A struct, an array or an i31; false for every other value.
bool Store::inner_to_wasm(ValueType type, Value value, wasmtime_val_t& result) {
  result.kind = kAnyrefValue;
  if (const auto small = small_integer(js(), value); small && type.holds_i31) {
    wt.wasmtime_anyref_from_i31(context_, static_cast<std::uint32_t>(*small), &result.of.anyref);
    return true;
  }
  if (js().kind(value) != engine::Kind::object || gc_objects_made_ == 0) return false;
  const Value handle = host_.call_hook("gcHandle", std::span(&value, 1));
  GcObject* known = gc_object_of(js(), handle);
  if (known == nullptr) return false;
  if (&known->store != this) host_.raise(Failure::type, "the WebAssembly object belongs to another store");
  wt.wasmtime_anyref_clone(&known->reference, &result.of.anyref);
  return true;
}

// The caller unroots the result.
wasmtime_val_t Store::any_to_wasm(ValueType type, Value value) {
  wasmtime_val_t result = {};
  if (inner_to_wasm(type, value, result)) return result;
  if (!type.holds_any) host_.raise(Failure::type, "the value is none of the WebAssembly reference type");
  wasmtime_val_t external = to_wasm({Kind::externref, true}, value);
  result = convert(*this, converters().internalize, external);
  wt.wasmtime_val_unroot(&external);
  return result;
}

// A struct, an array or an i31 as an external reference, in which wasm recognizes it; false for every other value.
bool Store::externalize(Value value, wasmtime_val_t& result) {
  wasmtime_val_t inner = {};
  if (!inner_to_wasm({Kind::anyref, true, true, true}, value, inner)) return false;
  result = convert(*this, converters().externalize, inner);
  wt.wasmtime_val_unroot(&inner);
  return true;
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
  wasmtime_val_t external = convert(*this, converters().externalize, given);
  const Value value = to_js(external);
  wt.wasmtime_val_unroot(&external);
  return value;
}

// An external reference that is a struct, an array or an i31 in disguise.
Value Store::disguised_to_js(wasmtime_externref_t reference) {
  wasmtime_val_t given = {};
  given.kind = WASMTIME_EXTERNREF;
  given.of.externref = reference;
  wasmtime_val_t internal = convert(*this, converters().internalize, given);
  const Value value = any_to_js(internal.of.anyref);
  wt.wasmtime_val_unroot(&internal);
  return value;
}

Value Store::gc_object(wasmtime_anyref_t reference) {
  const std::uint32_t raw = wt.wasmtime_anyref_to_raw(context_, &reference);
  if (const auto known = gc_objects_.find(raw); known != gc_objects_.end()) {
    const Value weak = known->second->object.get();
    const Value object = host_.call_hook("deref", std::span(&weak, 1));
    if (js().kind(object) == engine::Kind::object) return object;
  }
  wasmtime_anyref_t kept = {};
  wt.wasmtime_anyref_clone(&reference, &kept);
  auto made = std::make_unique<GcObject>(*this, kept);
  ++gc_objects_made_;
  const Value handle = js().handle(&kGcTag, made.get(), [](void* pointer) { delete static_cast<GcObject*>(pointer); });
  made.release();
  return host_.call_hook("makeGcObject", std::span(&handle, 1));
}

// (handle, WeakRef of the opaque object) -> the keeper of its store, for the object to hold
Value op_gc_bind(Engine& js, void* context, Args args) {
  GcObject* object = gc_object_of(js, args[0]);
  if (object == nullptr) host_of(context).raise(Failure::type, "no WebAssembly object");
  object->object = Ref(js, args[1]);
  return object->store.keeper().object();
}

}  // namespace dcp::wasm
