// WebAssembly.Tag and WebAssembly.Exception, and how exceptions are kept the same object on both sides.
#include "wasm/exceptions.hpp"

namespace dcp::wasm {

namespace {

const char kExceptionTag = 0;

// The id of a tag, or kJsTagId.
std::uint32_t tag_id(Host& host, Args args, std::size_t index) {
  const double id = index < args.size() ? host.js().as_number(args[index]) : -1;
  if (id == kJsTagId) return kJsTagId;
  (void)host.item(args, index, WASMTIME_EXTERN_TAG);
  return static_cast<std::uint32_t>(id);
}

Exception& exception_of(Host& host, Args args, std::size_t index) {
  void* pointer = index < args.size() ? host.js().handle_pointer(args[index], &kExceptionTag) : nullptr;
  if (pointer == nullptr) host.raise(Failure::type, "no WebAssembly exception");
  return *static_cast<Exception*>(pointer);
}

wasmtime_tag_t new_tag(Store& store, const std::vector<Kind>& kinds) {
  wasm_valtype_vec_t params;
  wt.wasm_valtype_vec_new_uninitialized(&params, kinds.size());
  for (std::size_t i = 0; i < kinds.size(); ++i) params.data[i] = new_valtype(kinds[i]);
  wasm_valtype_vec_t results;
  wt.wasm_valtype_vec_new_empty(&results);
  const Owned<wasm_tagtype_t> type(wt.wasm_tagtype_new(wt.wasm_functype_new(&params, &results)));
  wasmtime_tag_t tag = {};
  store.host().check(wt.wasmtime_tag_new(store.context(), type.get(), &tag), Failure::type);
  return tag;
}

FunctionType tag_type(Store& store, wasmtime_tag_t& tag) {
  const Owned<wasm_tagtype_t> type(wt.wasmtime_tag_type(store.context(), &tag));
  return function_type(wt.wasm_tagtype_functype(type.get()));
}

Rooted<wasmtime_exnref_t> new_exception(Store& store, wasmtime_tag_t& tag, std::span<wasmtime_val_t> fields) {
  wasmtime_exnref_t made = {};
  store.host().check(wt.wasmtime_exnref_new(store.context(), &tag, fields.data(), fields.size(), &made),
                     Failure::range);
  return Rooted(made);
}

// The handle that a WebAssembly.Exception carries.
Value handle_of(Store& store, Rooted<wasmtime_exnref_t> reference) {
  auto exception = std::make_unique<Exception>(store, std::move(reference));
  const Value handle = store.js().handle(&kExceptionTag, exception.get(),
                                         [](void* pointer) { delete static_cast<Exception*>(pointer); });
  (void)exception.release();
  return handle;
}

}  // namespace

Exception::Exception(Store& of, Rooted<wasmtime_exnref_t> made) : store(of), reference(std::move(made)) {
  store.exceptions().push_back(this);
}

Exception::~Exception() { std::erase(store.exceptions(), this); }

wasmtime_tag_t& Store::js_tag() {
  if (!js_tag_) js_tag_ = new_tag(*this, {Kind::externref});
  return *js_tag_;
}

// An exception of JavaScript travels as an exception with JSTag, a WebAssembly.Exception as itself: wasm can catch
// both. The interrupt travels as a trap, which wasm cannot catch; so does the error of a trap that has passed through
// JavaScript, and what there is no memory for.
std::size_t Store::throw_into_wasm(engine::Thrown thrown) {
  if (!thrown.terminated) {
    try {
      if (wasm_trap_t* trap = exception_for(thrown.value.get())) return reinterpret_cast<std::size_t>(trap);
    } catch (engine::Thrown& second) {
      thrown = std::move(second);
    }
  }
  constexpr std::string_view text = "JavaScript exception";
  host_.pending = std::move(thrown);
  return reinterpret_cast<std::size_t>(wt.wasmtime_trap_new(text.data(), text.size()));
}

wasm_trap_t* Store::exception_for(Value thrown) {
  Rooted<wasmtime_exnref_t> reference;
  const Value handle = host_.call_hook(Hook::exception_handle, std::span(&thrown, 1));
  if (js().kind(handle) == engine::Kind::boolean) return nullptr;
  auto* known = static_cast<Exception*>(js().handle_pointer(handle, &kExceptionTag));
  if (known != nullptr && &known->store == this) {
    wt.wasmtime_exnref_clone(known->reference.get(), reference.fill());
  } else {
    RootedValue field = to_wasm({Kind::externref, true}, thrown);
    reference = new_exception(*this, js_tag(), std::span(field.get(), 1));
  }
  // The reference is not taken over, whatever wasmtime's exn.h says.
  return wt.wasmtime_context_set_exception(context_, reference.get());
}

wasmtime_tag_t& Store::tag(std::uint32_t id) { return id == kJsTagId ? js_tag() : host_.item(id).item.of.tag; }

// What wasm has thrown and not caught, as JavaScript sees it.
Value Store::thrown_value(Rooted<wasmtime_exnref_t> reference) {
  wasmtime_tag_t tag = {};
  host_.check(wt.wasmtime_exnref_tag(context_, reference.get(), &tag), Failure::runtime);
  if (js_tag_ && wt.wasmtime_tag_eq(context_, &tag, &*js_tag_)) {
    RootedValue field;
    host_.check(wt.wasmtime_exnref_field(context_, reference.get(), 0, field.fill()), Failure::runtime);
    return to_js(*field);
  }
  const std::uint32_t raw = wt.wasmtime_exnref_to_raw(context_, reference.get());
  for (Exception* known : exceptions_) {
    if (wt.wasmtime_exnref_to_raw(context_, known->reference.get()) != raw) continue;
    const Value weak = known->object.get();
    const Value object = host_.call_hook(Hook::deref, std::span(&weak, 1));
    if (js().kind(object) == engine::Kind::object) return object;
  }
  const Value handle = handle_of(*this, std::move(reference));
  return host_.call_hook(Hook::make_exception, std::span(&handle, 1));
}

// (Kinds of the parameters) -> id
Value op_tag_new(Engine& js, void* context, Args args) {
  Store& store = host_of(context).current();
  std::vector<Kind> kinds(js.length(args[0]));
  for (std::size_t i = 0; i < kinds.size(); ++i) {
    kinds[i] = static_cast<Kind>(static_cast<int>(js.as_number(js.get(args[0], static_cast<std::uint32_t>(i)))));
  }
  return js.number(store.add_tag(new_tag(store, kinds)));
}

// () -> id of the tag of JavaScript's own exceptions
Value op_js_tag(Engine& js, void*, Args) { return js.number(kJsTagId); }

// (tag, payload array) -> handle
Value op_exception_new(Engine& js, void* context, Args args) {
  Host& host = host_of(context);
  Extern& item = host.item(args, 0, WASMTIME_EXTERN_TAG);
  Store& store = item.store;
  const FunctionType type = tag_type(store, item.item.of.tag);
  if (js.length(args[1]) != type.params.size()) host.raise(Failure::type, "the payload has a wrong number of values");
  std::vector<wasmtime_val_t> fields(type.params.size());
  const RootedRow roots(fields);
  for (std::size_t i = 0; i < fields.size(); ++i) {
    fields[i] = store.to_wasm(type.params[i], js.get(args[1], static_cast<std::uint32_t>(i))).release();
  }
  return handle_of(store, new_exception(store, item.item.of.tag, fields));
}

// (handle, WeakRef of the WebAssembly.Exception) -> the keeper of its store, for the exception to hold
Value op_exception_bind(Engine& js, void* context, Args args) {
  Exception& exception = exception_of(host_of(context), args, 0);
  exception.object = Ref(js, args[1]);
  return exception.store.keeper().object();
}

// (handle, tag) -> boolean
Value op_exception_is(Engine& js, void* context, Args args) {
  Host& host = host_of(context);
  Exception& exception = exception_of(host, args, 0);
  const std::uint32_t id = tag_id(host, args, 1);
  if (id != kJsTagId && &host.item(id).store != &exception.store) return js.boolean(false);
  wasmtime_tag_t tag = {};
  host.check(wt.wasmtime_exnref_tag(exception.store.context(), exception.reference.get(), &tag), Failure::type);
  return js.boolean(wt.wasmtime_tag_eq(exception.store.context(), &tag, &exception.store.tag(id)));
}

// (handle, index) -> value; raises a RangeError.
Value op_exception_get(Engine& js, void* context, Args args) {
  Host& host = host_of(context);
  Exception& exception = exception_of(host, args, 0);
  Store& store = exception.store;
  const auto index = static_cast<std::size_t>(js.as_number(args[1]));
  if (index >= wt.wasmtime_exnref_field_count(store.context(), exception.reference.get())) {
    host.raise(Failure::range, "the index is outside the exception's payload");
  }
  RootedValue field;
  host.check(wt.wasmtime_exnref_field(store.context(), exception.reference.get(), index, field.fill()), Failure::range);
  return store.to_js(*field);
}

}  // namespace dcp::wasm
