// Properties, and errors as text.
#include "engine/quickjs/quickjs_engine.hpp"

namespace dcp::engine::quickjs {

namespace {

class Atom {
 public:
  Atom(JSContext* context, std::string_view name)
      : context_(context), atom_(JS_NewAtomLen(context, name.data(), name.size())) {}
  Atom(const Atom&) = delete;
  Atom& operator=(const Atom&) = delete;
  ~Atom() { JS_FreeAtom(context_, atom_); }
  operator JSAtom() const { return atom_; }

 private:
  JSContext* context_;
  JSAtom atom_;
};

}  // namespace

Value QuickJsEngine::get(Value object, std::string_view name) {
  return own(JS_GetProperty(context_, js(object), Atom(context_, name)));
}

Value QuickJsEngine::get(Value object, std::uint32_t index) {
  return own(JS_GetPropertyUint32(context_, js(object), index));
}

void QuickJsEngine::set(Value object, std::string_view name, Value value) {
  check(JS_SetProperty(context_, js(object), Atom(context_, name), JS_DupValue(context_, js(value))));
}

void QuickJsEngine::set(Value object, std::uint32_t index, Value value) {
  check(JS_SetPropertyUint32(context_, js(object), index, JS_DupValue(context_, js(value))));
}

void QuickJsEngine::define(Value object, std::string_view name, Value value) {
  check(JS_DefinePropertyValue(context_, js(object), Atom(context_, name), JS_DupValue(context_, js(value)),
                               JS_PROP_CONFIGURABLE | JS_PROP_WRITABLE | JS_PROP_THROW));
}

void QuickJsEngine::define_own(Value object, std::string_view name, Value value) {
  check(JS_DefinePropertyValue(context_, js(object), Atom(context_, name), JS_DupValue(context_, js(value)),
                               JS_PROP_C_W_E | JS_PROP_THROW));
}

std::uint64_t QuickJsEngine::length(Value object) {
  std::int64_t result = 0;
  check(JS_GetLength(context_, js(object), &result));
  return static_cast<std::uint64_t>(result);
}

std::vector<std::string> QuickJsEngine::keys(Value object) {
  JSPropertyEnum* properties = nullptr;
  std::uint32_t count = 0;
  check(JS_GetOwnPropertyNames(context_, &properties, &count, js(object), JS_GPN_STRING_MASK | JS_GPN_ENUM_ONLY));
  std::vector<std::string> names;
  names.reserve(count);
  for (std::uint32_t i = 0; i < count; ++i) {
    std::size_t size = 0;
    const char* text = JS_AtomToCStringLen(context_, &size, properties[i].atom);
    if (text == nullptr) break;
    names.emplace_back(text, size);
    JS_FreeCString(context_, text);
  }
  JS_FreePropertyEnum(context_, properties, count);
  if (names.size() != count) throw_pending();
  return names;
}

std::string QuickJsEngine::text_property(JSValueConst object, const char* name) {
  try {
    const Value value = own(JS_GetPropertyStr(context_, object, name));
    return kind(value) == Kind::undefined ? "" : to_string(value);
  } catch (const Thrown&) {
    return "";
  }
}

Engine::ErrorText QuickJsEngine::describe_error(Value error) {
  const Scope scope(*this);
  const JSValue value = js(error);
  if (JS_IsObject(value)) {
    ErrorText text{text_property(value, "name"), text_property(value, "message"), ""};
    text.stack = calls_of(text_property(value, "stack"), text.name);
    if (!text.name.empty() || !text.message.empty()) return text;
  }
  try {
    return {"", kind(error) == Kind::symbol ? "a symbol" : to_string(error), ""};
  } catch (const Thrown&) {
    return {"", "a value that cannot be converted to a string", ""};
  }
}

}  // namespace dcp::engine::quickjs
