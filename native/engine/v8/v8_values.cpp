// Making values and looking at them.
#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <string>

#include "engine/v8/v8_engine.hpp"

namespace dcp::engine::v8engine {

namespace {

constexpr std::size_t kDigitsAWord = 16;

}  // namespace

Value V8Engine::global() { return from(context()->Global()); }

Value V8Engine::bigint_from_hex(std::string_view digits) {
  const bool negative = digits.starts_with('-');
  if (negative) digits.remove_prefix(1);
  if (digits.empty()) raise(ErrorType::syntax_error, "a BigInt without digits");
  std::vector<std::uint64_t> words;
  while (!digits.empty()) {
    const std::string_view word = digits.substr(digits.size() - std::min(digits.size(), kDigitsAWord));
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value, 16);
    if (error != std::errc{} || end != word.data() + word.size()) {
      raise(ErrorType::syntax_error, "a BigInt with a character that is no digit");
    }
    words.push_back(value);
    digits.remove_suffix(word.size());
  }
  return from(guarded([&] {
    return v8::BigInt::NewFromWords(context(), negative ? 1 : 0, static_cast<int>(words.size()), words.data());
  }));
}

std::string V8Engine::bigint_to_hex(Value value) {
  const auto integer = to(value).As<v8::BigInt>();
  int negative = 0, count = integer->WordCount();
  std::vector<std::uint64_t> words(static_cast<std::size_t>(count));
  integer->ToWordsArray(&negative, &count, words.data());
  if (count == 0) return "0";
  std::string digits = negative != 0 ? "-" : "";
  for (int i = count - 1; i >= 0; --i) {
    char word[kDigitsAWord];
    const char* end = std::to_chars(word, word + sizeof word, words[static_cast<std::size_t>(i)], 16).ptr;
    if (i != count - 1) digits.append(kDigitsAWord - static_cast<std::size_t>(end - word), '0');
    digits.append(word, static_cast<std::size_t>(end - word));
  }
  return digits;
}

Value V8Engine::null_prototype_object() {
  return from(v8::Object::New(isolate_, v8::Null(isolate_), nullptr, nullptr, 0));
}

Value V8Engine::array(std::span<const Value> items) {
  auto elements = to(items);
  return from(v8::Array::New(isolate_, elements.data(), elements.size()));
}

Value V8Engine::date(double milliseconds) {
  return from(guarded([&] { return v8::Date::New(context(), milliseconds); }));
}

Value V8Engine::error(ErrorType type, std::string_view message) {
  const v8::Local<v8::String> words = text(message);
  switch (type) {
    case ErrorType::type_error:
      return from(v8::Exception::TypeError(words));
    case ErrorType::range_error:
      return from(v8::Exception::RangeError(words));
    case ErrorType::syntax_error:
      return from(v8::Exception::SyntaxError(words));
    case ErrorType::reference_error:
      return from(v8::Exception::ReferenceError(words));
    case ErrorType::error:
      break;
  }
  return from(v8::Exception::Error(words));
}

// --- Handles ---

struct V8Engine::Handle {
  const void* tag;
  void* pointer;
  void (*finalize)(void*);
  v8::Global<v8::Object> object;  ///< weak
};

Value V8Engine::handle(const void* tag, void* pointer, void (*finalize)(void*)) {
  const auto object = guarded([&] { return handle_class_.Get(isolate_)->InstanceTemplate()->NewInstance(context()); });
  (void)guarded([&] { return object->SetPrototypeV2(context(), v8::Null(isolate_)); });
  auto* handle = new Handle{tag, pointer, finalize, v8::Global<v8::Object>(isolate_, object)};
  object->SetAlignedPointerInInternalField(0, handle);
  const auto forgotten = [](const v8::WeakCallbackInfo<Handle>& info) {
    info.GetParameter()->object.Reset();
    info.SetSecondPassCallback([](const v8::WeakCallbackInfo<Handle>& second) {
      const Handle* handle = second.GetParameter();
      if (handle->finalize != nullptr) handle->finalize(handle->pointer);
      delete handle;
    });
  };
  handle->object.SetWeak<Handle>(handle, forgotten, v8::WeakCallbackType::kParameter);
  return from(object);
}

void* V8Engine::handle_pointer(Value value, const void* tag) {
  const v8::Local<v8::Value> object = to(value);
  if (!object->IsObject() || !handle_class_.Get(isolate_)->HasInstance(object)) return nullptr;
  const auto* handle = static_cast<Handle*>(object.As<v8::Object>()->GetAlignedPointerFromInternalField(0));
  return handle != nullptr && handle->tag == tag ? handle->pointer : nullptr;
}

// --- Looking at values ---

Kind V8Engine::kind(Value value) {
  const v8::Local<v8::Value> looked_at = to(value);
  if (looked_at->IsUndefined()) return Kind::undefined;
  if (looked_at->IsNull()) return Kind::null;
  if (looked_at->IsNumber()) return Kind::number;
  if (looked_at->IsString()) return Kind::string;
  if (looked_at->IsFunction()) return Kind::function;
  if (looked_at->IsObject()) return Kind::object;
  if (looked_at->IsBoolean()) return Kind::boolean;
  return looked_at->IsBigInt() ? Kind::bigint : Kind::symbol;
}

namespace {

ObjectKind kind_of(v8::Local<v8::Value> object) {
  if (object->IsArray()) return ObjectKind::array;
  if (object->IsArrayBufferView() || object->IsArrayBuffer() || object->IsSharedArrayBuffer())
    return ObjectKind::buffer;
  if (object->IsDate()) return ObjectKind::date;
  if (object->IsNativeError()) return ObjectKind::error;
  if (object->IsMap()) return ObjectKind::map;
  if (object->IsSet()) return ObjectKind::set;
  if (object->IsProxy()) return ObjectKind::proxy;
  if (object->IsSymbolObject()) return ObjectKind::opaque;
  const bool is_boxed =
      object->IsNumberObject() || object->IsStringObject() || object->IsBooleanObject() || object->IsBigIntObject();
  if (is_boxed) return ObjectKind::boxed;
  const bool is_opaque = object->IsRegExp() || object->IsPromise() || object->IsGeneratorObject() ||
                         object->IsWeakMap() || object->IsWeakSet() || object->IsWeakRef() || object->IsMapIterator() ||
                         object->IsSetIterator();
  return is_opaque ? ObjectKind::opaque : ObjectKind::plain;
}

}  // namespace

ObjectKind V8Engine::object_kind(Value object) {
  v8::Local<v8::Value> looked_at = to(object);
  // Nearly all that is no array: it is not asked for each other kind.
  if (!looked_at->IsArray() && looked_at.As<v8::Object>()->GetPrototypeV2() == object_prototype_) {
    return ObjectKind::plain;
  }
  ObjectKind kind = kind_of(looked_at);
  if (kind != ObjectKind::proxy) return kind;
  while (looked_at->IsProxy()) looked_at = looked_at.As<v8::Proxy>()->GetTarget();
  if (!looked_at->IsObject()) return ObjectKind::proxy;  // revoked
  kind = kind_of(looked_at);
  return kind == ObjectKind::plain || kind == ObjectKind::array ? kind : ObjectKind::proxy;
}

Value V8Engine::unboxed(Value boxed) {
  const v8::Local<v8::Value> object = to(boxed);
  if (object->IsNumberObject()) return number(object.As<v8::NumberObject>()->ValueOf());
  if (object->IsStringObject()) return from(object.As<v8::StringObject>()->ValueOf());
  if (object->IsBooleanObject()) return boolean(object.As<v8::BooleanObject>()->ValueOf());
  return from(object.As<v8::BigIntObject>()->ValueOf());
}

double V8Engine::as_number(Value value) {
  const v8::Local<v8::Value> looked_at = to(value);
  return looked_at->IsNumber() ? looked_at.As<v8::Number>()->Value() : std::numeric_limits<double>::quiet_NaN();
}

double V8Engine::to_number(Value value) {
  if (to(value)->IsNumber()) return to(value).As<v8::Number>()->Value();
  return guarded([&] { return to(value)->NumberValue(context()); });
}

std::int32_t V8Engine::to_int32(Value value) {
  return guarded([&] { return to(value)->Int32Value(context()); });
}

std::int64_t V8Engine::to_bigint64(Value value) {
  return guarded([&] { return to(value)->ToBigInt(context()); })->Int64Value();
}

double V8Engine::date_value(Value value) { return to(value).As<v8::Date>()->ValueOf(); }

PromiseState V8Engine::promise_state(Value value) {
  if (!to(value)->IsPromise()) return PromiseState::not_a_promise;
  switch (to(value).As<v8::Promise>()->State()) {
    case v8::Promise::kPending:
      return PromiseState::pending;
    case v8::Promise::kFulfilled:
      return PromiseState::fulfilled;
    case v8::Promise::kRejected:
      break;
  }
  return PromiseState::rejected;
}

Value V8Engine::promise_result(Value value) { return from(to(value).As<v8::Promise>()->Result()); }

}  // namespace dcp::engine::v8engine
