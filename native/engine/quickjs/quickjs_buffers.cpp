// ArrayBuffers, shared and foreign memory, and views of them.
#include <algorithm>
#include <cstring>
#include <iterator>

#include "engine/quickjs/quickjs_engine.hpp"

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

}  // namespace

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

}  // namespace dcp::engine::quickjs
