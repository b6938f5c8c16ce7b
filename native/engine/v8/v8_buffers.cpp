// ArrayBuffers and their views.
#include <cstring>
#include <utility>

#include "engine/v8/v8_engine.hpp"

namespace dcp::engine::v8engine {

namespace {

struct External {
  ReleaseBuffer release;
  void* opaque;
};

void let_go(void* data, std::size_t size, void* deleter_data) {
  const auto* external = static_cast<External*>(deleter_data);
  if (external->release != nullptr) external->release(data, size, external->opaque);
  delete external;
}

template <typename Buffer>
Value view_of(ElementType type, v8::Local<Buffer> buffer, std::size_t offset, std::size_t length,
              Value (*from)(v8::Local<v8::Value>)) {
  switch (type) {
    case ElementType::int8:
      return from(v8::Int8Array::New(buffer, offset, length));
    case ElementType::uint8:
      return from(v8::Uint8Array::New(buffer, offset, length));
    case ElementType::uint8_clamped:
      return from(v8::Uint8ClampedArray::New(buffer, offset, length));
    case ElementType::int16:
      return from(v8::Int16Array::New(buffer, offset, length));
    case ElementType::uint16:
      return from(v8::Uint16Array::New(buffer, offset, length));
    case ElementType::int32:
      return from(v8::Int32Array::New(buffer, offset, length));
    case ElementType::uint32:
      return from(v8::Uint32Array::New(buffer, offset, length));
    case ElementType::bigint64:
      return from(v8::BigInt64Array::New(buffer, offset, length));
    case ElementType::biguint64:
      return from(v8::BigUint64Array::New(buffer, offset, length));
    case ElementType::float16:
      return from(v8::Float16Array::New(buffer, offset, length));
    case ElementType::float32:
      return from(v8::Float32Array::New(buffer, offset, length));
    case ElementType::float64:
      return from(v8::Float64Array::New(buffer, offset, length));
    case ElementType::data_view:
      return from(v8::DataView::New(buffer, offset, length));
    case ElementType::array_buffer:
      break;
  }
  return from(buffer);
}

ElementType element_type(v8::Local<v8::Value> view) {
  using Test = bool (v8::Value::*)() const;
  constexpr std::pair<Test, ElementType> kTypes[] = {
      {&v8::Value::IsUint8Array, ElementType::uint8},
      {&v8::Value::IsFloat32Array, ElementType::float32},
      {&v8::Value::IsFloat64Array, ElementType::float64},
      {&v8::Value::IsUint32Array, ElementType::uint32},
      {&v8::Value::IsInt32Array, ElementType::int32},
      {&v8::Value::IsUint16Array, ElementType::uint16},
      {&v8::Value::IsInt16Array, ElementType::int16},
      {&v8::Value::IsInt8Array, ElementType::int8},
      {&v8::Value::IsUint8ClampedArray, ElementType::uint8_clamped},
      {&v8::Value::IsBigInt64Array, ElementType::bigint64},
      {&v8::Value::IsBigUint64Array, ElementType::biguint64},
      {&v8::Value::IsFloat16Array, ElementType::float16},
  };
  for (const auto& [is, type] : kTypes) {
    if (((*view)->*is)()) return type;
  }
  return ElementType::data_view;
}

}  // namespace

v8::Local<v8::ArrayBuffer> V8Engine::new_buffer(std::size_t size, v8::BackingStoreInitializationMode mode) {
  v8::Local<v8::ArrayBuffer> made;
  if (v8::ArrayBuffer::MaybeNew(isolate_, size, mode).ToLocal(&made)) return made;
  raise(ErrorType::range_error, "out of memory: an ArrayBuffer of " + std::to_string(size) + " bytes");
}

Value V8Engine::array_buffer(std::size_t size) {
  return from(new_buffer(size, v8::BackingStoreInitializationMode::kZeroInitialized));
}

Value V8Engine::array_buffer(std::span<const std::byte> copy_of) {
  const auto made = new_buffer(copy_of.size(), v8::BackingStoreInitializationMode::kUninitialized);
  if (!copy_of.empty()) std::memcpy(made->Data(), copy_of.data(), copy_of.size());
  return from(made);
}

Value V8Engine::external_array_buffer(void* data, std::size_t size, ReleaseBuffer release, void* opaque) {
  auto store = v8::ArrayBuffer::NewBackingStore(data, size, let_go, new External{release, opaque});
  return from(v8::ArrayBuffer::New(isolate_, std::move(store)));
}

Value V8Engine::external_shared_array_buffer(void* data, std::size_t size, ReleaseBuffer release, void* opaque) {
  auto store = v8::SharedArrayBuffer::NewBackingStore(data, size, let_go, new External{release, opaque});
  return from(v8::SharedArrayBuffer::New(isolate_, std::move(store)));
}

void V8Engine::detach(Value array_buffer) {
  (void)to(array_buffer).As<v8::ArrayBuffer>()->Detach(v8::Local<v8::Value>());
}

bool V8Engine::is_detached(Value array_buffer) {
  return to(array_buffer)->IsArrayBuffer() && to(array_buffer).As<v8::ArrayBuffer>()->WasDetached();
}

Value V8Engine::view(ElementType type, Value array_buffer, std::size_t byte_offset, std::size_t length) {
  const auto whole = buffer_view(array_buffer);
  const std::size_t width = element_size(type);
  if (!whole || byte_offset % width != 0 || byte_offset > whole->size || length > (whole->size - byte_offset) / width) {
    raise(ErrorType::range_error, "a view outside of its buffer");
  }
  const auto wrap = [](v8::Local<v8::Value> made) { return from(made); };
  if (whole->shared) return view_of(type, to(array_buffer).As<v8::SharedArrayBuffer>(), byte_offset, length, wrap);
  return view_of(type, to(array_buffer).As<v8::ArrayBuffer>(), byte_offset, length, wrap);
}

std::optional<BufferView> V8Engine::buffer_view(Value value) {
  const v8::Local<v8::Value> object = to(value);
  if (object->IsArrayBufferView()) {
    const auto view = object.As<v8::ArrayBufferView>();
    const auto whole = buffer_view(from(view->Buffer()));
    if (!whole) return std::nullopt;
    const std::size_t offset = view->ByteOffset();
    return BufferView{element_type(object), whole->data + offset, view->ByteLength(), offset, whole->shared};
  }
  if (object->IsArrayBuffer()) {
    const auto buffer = object.As<v8::ArrayBuffer>();
    if (buffer->WasDetached()) return std::nullopt;
    return BufferView{ElementType::array_buffer, static_cast<std::byte*>(buffer->Data()), buffer->ByteLength(), 0,
                      false};
  }
  if (object->IsSharedArrayBuffer()) {
    const auto buffer = object.As<v8::SharedArrayBuffer>();
    return BufferView{ElementType::array_buffer, static_cast<std::byte*>(buffer->Data()), buffer->ByteLength(), 0,
                      true};
  }
  return std::nullopt;
}

Value V8Engine::buffer_of(Value view) {
  return to(view)->IsArrayBufferView() ? from(to(view).As<v8::ArrayBufferView>()->Buffer()) : view;
}

}  // namespace dcp::engine::v8engine
