// Properties of objects, and errors as text.
#include <algorithm>

#include "engine/v8/v8_engine.hpp"

namespace dcp::engine::v8engine {

namespace {

/// Where a surrogate stands alone: three bytes that are no UTF-8, as keys() gives them.
std::size_t lone_surrogate(std::string_view name) {
  std::size_t at = name.find('\xED');
  while (at != name.npos && (name.size() - at < 3 || static_cast<unsigned char>(name[at + 1]) < 0xA0)) {
    at = name.find('\xED', at + 1);
  }
  return at;
}

}  // namespace

v8::Local<v8::String> V8Engine::key(std::string_view name) {
  if (name.size() > static_cast<std::size_t>(v8::String::kMaxLength)) {
    raise(ErrorType::range_error, "invalid string length");
  }
  const auto part = [&](std::string_view utf8) {
    const auto internalized = v8::NewStringType::kInternalized;
    return v8::String::NewFromUtf8(isolate_, utf8.data(), internalized, static_cast<int>(utf8.size())).ToLocalChecked();
  };
  std::size_t at = lone_surrogate(name);
  if (at == name.npos) return part(name);
  v8::Local<v8::String> made = v8::String::Empty(isolate_);
  for (; at != name.npos; at = lone_surrogate(name)) {
    const auto unit = static_cast<std::uint16_t>(0xD000 | (name[at + 1] & 0x3F) << 6 | (name[at + 2] & 0x3F));
    const auto surrogate = v8::String::NewFromTwoByte(isolate_, &unit, v8::NewStringType::kNormal, 1).ToLocalChecked();
    made = v8::String::Concat(isolate_, v8::String::Concat(isolate_, made, part(name.substr(0, at))), surrogate);
    name.remove_prefix(at + 3);
  }
  return v8::String::Concat(isolate_, made, part(name));
}

v8::Local<v8::Object> V8Engine::to_object(Value value) {
  if (to(value)->IsObject()) return to(value).As<v8::Object>();
  return guarded([&] { return to(value)->ToObject(context()); });
}

Value V8Engine::get(Value object, std::string_view name) {
  const auto target = to_object(object);
  const auto property = key(name);
  return from(guarded([&] { return target->Get(context(), property); }));
}

Value V8Engine::get(Value object, std::uint32_t index) {
  const auto target = to_object(object);
  return from(guarded([&] { return target->Get(context(), index); }));
}

void V8Engine::set(Value object, std::string_view name, Value value) {
  const auto target = to_object(object);
  const auto property = key(name);
  (void)guarded([&] { return target->Set(context(), property, to(value)); });
}

void V8Engine::set(Value object, std::uint32_t index, Value value) {
  const auto target = to_object(object);
  (void)guarded([&] { return target->Set(context(), index, to(value)); });
}

void V8Engine::define(Value object, std::string_view name, Value value) {
  const auto target = to_object(object);
  const auto property = key(name);
  if (!guarded([&] { return target->DefineOwnProperty(context(), property, to(value), v8::DontEnum); })) {
    raise(ErrorType::type_error, "the property cannot be defined");
  }
}

void V8Engine::define_own(Value object, std::string_view name, Value value) {
  const auto target = to_object(object);
  const auto property = key(name);
  if (!guarded([&] { return target->CreateDataProperty(context(), property, to(value)); })) {
    raise(ErrorType::type_error, "the property cannot be defined");
  }
}

std::uint64_t V8Engine::length(Value object) {
  if (to(object)->IsArray()) return to(object).As<v8::Array>()->Length();
  const double length = to_number(get(object, "length"));
  constexpr double most = 9007199254740991.0;  // ToLength
  return length > 0 ? static_cast<std::uint64_t>(std::min(length, most)) : 0;
}

std::vector<std::string> V8Engine::keys(Value object) {
  const auto target = to_object(object);
  const Scope scope(*this);
  const auto filter = static_cast<v8::PropertyFilter>(v8::ONLY_ENUMERABLE | v8::SKIP_SYMBOLS);
  const auto found =
      guarded([&] { return target->GetOwnPropertyNames(context(), filter, v8::KeyConversionMode::kConvertToString); });
  std::vector<std::string> names;
  names.reserve(found->Length());
  for (std::uint32_t i = 0; i < found->Length(); ++i) {
    const auto name = guarded([&] { return found->Get(context(), i); }).As<v8::String>();
    names.push_back(utf8(name, v8::String::WriteFlags::kNone));
  }
  return names;
}

std::string V8Engine::text_property(v8::Local<v8::Object> object, const char* name) {
  try {
    const Value value = get(from(object), name);
    return kind(value) == Kind::undefined ? "" : to_string(value);
  } catch (const Thrown&) {
    return "";
  }
}

Engine::ErrorText V8Engine::describe_error(Value error) {
  const Scope scope(*this);
  if (to(error)->IsObject()) {
    const auto object = to(error).As<v8::Object>();
    ErrorText described{text_property(object, "name"), text_property(object, "message"), ""};
    described.stack = calls_of(text_property(object, "stack"), described.name);
    if (!described.name.empty() || !described.message.empty()) return described;
  }
  try {
    return {"", kind(error) == Kind::symbol ? "a symbol" : to_string(error), ""};
  } catch (const Thrown&) {
    return {"", "a value that cannot be converted to a string", ""};
  }
}

}  // namespace dcp::engine::v8engine
