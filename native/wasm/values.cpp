// ToWebAssemblyValue and ToJSValue of the JavaScript API.
#include <bit>
#include <cmath>

#include "wasm/store.hpp"

namespace dcp::wasm {

namespace {

// The C API marks null references by a store id of zero.
bool is_null(const wasmtime_val_t& value) {
  switch (value.kind) {
    case WASMTIME_FUNCREF:
      return value.of.funcref.store_id == 0;
    case WASMTIME_EXTERNREF:
      return value.of.externref.store_id == 0;
    default:
      return value.of.anyref.store_id == 0;
  }
}

// What an externref points to: a place in the keeper of its store.
struct Reference {
  Store& store;
  std::uint32_t slot;
};

void drop_reference(void* data) {
  const std::unique_ptr<Reference> reference(static_cast<Reference*>(data));
  if (!reference->store.is_forgotten()) reference->store.keeper().drop(reference->slot);
}

}  // namespace

// ValRaw holds its numbers zero-extended to 64 bits.
wasmtime_val_raw_t Store::to_raw(Kind kind, Value value) {
  wasmtime_val_raw_t raw = {};
  switch (kind) {
    case Kind::i32:
      raw.i64 = static_cast<std::int64_t>(static_cast<std::uint32_t>(js().to_int32(value)));
      break;
    case Kind::i64:
      raw.i64 = js().to_bigint64(value);
      break;
    case Kind::f32:
      raw.i64 = static_cast<std::int64_t>(std::bit_cast<std::uint32_t>(static_cast<float>(js().to_number(value))));
      break;
    default:
      raw.f64 = js().to_number(value);
  }
  return raw;
}

Value Store::from_raw(Kind kind, const wasmtime_val_raw_t& value) {
  switch (kind) {
    case Kind::i32:
      return js().number(value.i32);
    case Kind::i64:
      return js().bigint(value.i64);
    case Kind::f32:
      return js().number(value.f32);
    default:
      return js().number(value.f64);
  }
}

// wasmtime collects when its own heap is full, and cannot know how large the objects of JavaScript are.
void Store::count_reference(Value value) {
  constexpr std::size_t plain = 64;  // an object without a buffer, more or less
  const auto view = js().buffer_view(value);
  referenced_ += plain + (view ? view->size : 0);
  if (referenced_ < host_.regions().limit() / 16) return;
  referenced_ = 0;
  wt.wasmtime_context_gc(context_);
}

RootedValue Store::to_wasm(ValueType type, Value value) {
  wasmtime_val_t result = {};
  result.kind = static_cast<std::uint8_t>(type.kind);
  switch (type.kind) {
    case Kind::i32:
      result.of.i32 = js().to_int32(value);
      return RootedValue(result);
    case Kind::i64:
      result.of.i64 = js().to_bigint64(value);
      return RootedValue(result);
    case Kind::f32:
      result.of.f32 = static_cast<float>(js().to_number(value));
      return RootedValue(result);
    case Kind::f64:
      result.of.f64 = js().to_number(value);
      return RootedValue(result);
    case Kind::funcref:
    case Kind::externref:
    case Kind::anyref:
      break;
    default:
      host_.raise(Failure::type,
                  std::string("a value of type ") + kind_name(type.kind) + " cannot come from JavaScript");
  }
  if (js().kind(value) == engine::Kind::null) {
    if (!type.nullable) host_.raise(Failure::type, "null is no value of a non-nullable WebAssembly reference type");
    return RootedValue(result);
  }
  if (type.kind == Kind::anyref) return any_to_wasm(type, value);
  if (type.kind == Kind::funcref) {
    const auto id = host_.function_id(value);
    if (!id)
      host_.raise(Failure::type, "a WebAssembly function reference must be null or an exported WebAssembly function");
    result.of.funcref = function(*id);
  } else if (auto external = externalize(value)) {
    return std::move(*external);
  } else {
    // A reference that cannot be made drops what it was given.
    count_reference(value);
    auto* data = new Reference{*this, keeper_.keep(value)};
    if (!wt.wasmtime_externref_new(context_, data, drop_reference, &result.of.externref)) {
      host_.raise(Failure::range, "no memory is left for a WebAssembly reference");
    }
  }
  return RootedValue(result);
}

// The strings that a program reads character by character come again and again: the last ones are kept rooted, so that
// their raw references go on meaning them, and nothing has to be rooted for a call.
Value Store::extern_to_js(std::uint32_t raw) {
  if (raw == 0) return js().null();
  SeenReference& seen = seen_[raw / kReferenceSize % seen_.size()];
  if (seen.raw == raw) return keeper_.kept(seen.slot);
  Rooted<wasmtime_externref_t> reference;
  wt.wasmtime_externref_from_raw(context_, raw, reference.fill());
  const auto* kept = static_cast<Reference*>(wt.wasmtime_externref_data(context_, reference.get()));
  if (kept == nullptr) {
    wasmtime_val_t value = {};
    value.kind = WASMTIME_EXTERNREF;
    value.of.externref = *reference;
    return to_js(value);
  }
  seen = {raw, kept->slot, std::move(reference)};
  return keeper_.kept(seen.slot);
}

std::uint32_t Store::extern_to_raw(Value value) {
  RootedValue made = to_wasm({Kind::externref}, value);
  return wt.wasmtime_externref_to_raw(context_, &made->of.externref);
}

Value Store::to_js(const wasmtime_val_t& value) {
  switch (value.kind) {
    case WASMTIME_I32:
      return js().number(value.of.i32);
    case WASMTIME_I64:
      return js().bigint(value.of.i64);
    case WASMTIME_F32:
      return js().number(value.of.f32);
    case WASMTIME_F64:
      return js().number(value.of.f64);
    case WASMTIME_FUNCREF:
      return is_null(value) ? js().null() : intern_function(value.of.funcref);
    case WASMTIME_EXTERNREF: {
      if (is_null(value)) return js().null();
      wasmtime_externref_t reference = value.of.externref;
      const auto* kept = static_cast<Reference*>(wt.wasmtime_externref_data(context_, &reference));
      return kept != nullptr ? keeper_.kept(kept->slot) : disguised_to_js(reference);
    }
    case kAnyrefValue:
      return is_null(value) ? js().null() : any_to_js(value.of.anyref);
    default:
      host_.raise(Failure::type, "a WebAssembly value of this type cannot be given to JavaScript");
  }
}

}  // namespace dcp::wasm
