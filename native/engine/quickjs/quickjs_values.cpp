// Values made and looked at.
#include <limits>

#include "engine/quickjs/objects.h"
#include "engine/quickjs/quickjs_engine.hpp"

namespace dcp::engine::quickjs {

Value QuickJsEngine::global() { return own(JS_GetGlobalObject(context_)); }
Value QuickJsEngine::undefined() { return borrowed(JS_UNDEFINED); }
Value QuickJsEngine::null() { return borrowed(JS_NULL); }
Value QuickJsEngine::boolean(bool value) { return borrowed(JS_NewBool(context_, value)); }
Value QuickJsEngine::number(double value) { return borrowed(JS_NewNumber(context_, value)); }
Value QuickJsEngine::bigint(std::int64_t value) { return own(JS_NewBigInt64(context_, value)); }
Value QuickJsEngine::biguint(std::uint64_t value) { return own(JS_NewBigUint64(context_, value)); }

Value QuickJsEngine::bigint_from_hex(std::string_view text) {
  const bool negative = text.starts_with('-');
  if (negative) text.remove_prefix(1);
  if (text.empty()) raise(ErrorType::syntax_error, "a BigInt without digits");
  Value argument[] = {string("0x" + std::string(text))};
  const Value magnitude = call(borrowed(bigint_), undefined(), argument);
  if (!negative) return magnitude;
  return call(borrowed(negate_), undefined(), std::span(&magnitude, 1));
}

std::string QuickJsEngine::bigint_to_hex(Value value) {
  Value radix[] = {number(16)};
  return to_string(call(borrowed(bigint_to_string_), value, radix));
}

Value QuickJsEngine::object() { return own(JS_NewObject(context_)); }
Value QuickJsEngine::null_prototype_object() { return own(JS_NewObjectProto(context_, JS_NULL)); }

Value QuickJsEngine::array(std::span<const Value> items) {
  std::vector<JSValue> owned;
  owned.reserve(items.size());
  for (Value item : items) owned.push_back(JS_DupValue(context_, js(item)));
  return own(JS_NewArrayFrom(context_, static_cast<int>(owned.size()), owned.data()));
}

Value QuickJsEngine::date(double milliseconds) { return own(JS_NewDate(context_, milliseconds)); }

Value QuickJsEngine::error(ErrorType type, std::string_view message) {
  const std::string text(message);
  switch (type) {
    case ErrorType::type_error:
      return own(JS_NewTypeError(context_, "%s", text.c_str()));
    case ErrorType::range_error:
      return own(JS_NewRangeError(context_, "%s", text.c_str()));
    case ErrorType::syntax_error:
      return own(JS_NewSyntaxError(context_, "%s", text.c_str()));
    case ErrorType::reference_error:
      return own(JS_NewReferenceError(context_, "%s", text.c_str()));
    case ErrorType::error:
      break;
  }
  return own(JS_NewPlainError(context_, "%s", text.c_str()));
}

Kind QuickJsEngine::kind(Value value) {
  switch (JS_VALUE_GET_NORM_TAG(js(value))) {
    case JS_TAG_INT:
    case JS_TAG_FLOAT64:
      return Kind::number;
    case JS_TAG_BOOL:
      return Kind::boolean;
    case JS_TAG_NULL:
      return Kind::null;
    case JS_TAG_STRING:
    case JS_TAG_STRING_ROPE:
      return Kind::string;
    case JS_TAG_SYMBOL:
      return Kind::symbol;
    case JS_TAG_BIG_INT:
    case JS_TAG_SHORT_BIG_INT:
      return Kind::bigint;
    case JS_TAG_OBJECT:
      return JS_IsFunction(context_, js(value)) ? Kind::function : Kind::object;
    default:
      return Kind::undefined;
  }
}

ObjectKind QuickJsEngine::object_kind(Value object) { return static_cast<ObjectKind>(dcp_object_kind(js(object))); }
Value QuickJsEngine::unboxed(Value boxed) { return own(dcp_unboxed(js(boxed))); }
bool QuickJsEngine::same(Value a, Value b) { return JS_IsStrictEqual(context_, js(a), js(b)); }
std::uintptr_t QuickJsEngine::identity(Value object) {
  return reinterpret_cast<std::uintptr_t>(JS_VALUE_GET_PTR(js(object)));
}

bool QuickJsEngine::truthy(Value value) { return JS_ToBool(context_, js(value)) > 0; }

double QuickJsEngine::as_number(Value value) {
  const JSValue v = js(value);
  if (JS_VALUE_GET_TAG(v) == JS_TAG_INT) return JS_VALUE_GET_INT(v);
  if (JS_VALUE_GET_NORM_TAG(v) == JS_TAG_FLOAT64) return JS_VALUE_GET_FLOAT64(v);
  return std::numeric_limits<double>::quiet_NaN();
}

double QuickJsEngine::to_number(Value value) {
  double result = 0;
  check(JS_ToFloat64(context_, &result, js(value)));
  return result;
}

std::int32_t QuickJsEngine::to_int32(Value value) {
  std::int32_t result = 0;
  check(JS_ToInt32(context_, &result, js(value)));
  return result;
}

std::int64_t QuickJsEngine::to_bigint64(Value value) {
  std::int64_t result = 0;
  check(JS_ToBigInt64(context_, &result, js(value)));
  return result;
}

double QuickJsEngine::date_value(Value value) { return as_number(call(borrowed(get_time_), value, {})); }

PromiseState QuickJsEngine::promise_state(Value value) {
  switch (JS_PromiseState(context_, js(value))) {
    case JS_PROMISE_PENDING:
      return PromiseState::pending;
    case JS_PROMISE_FULFILLED:
      return PromiseState::fulfilled;
    case JS_PROMISE_REJECTED:
      return PromiseState::rejected;
    default:
      return PromiseState::not_a_promise;
  }
}

Value QuickJsEngine::promise_result(Value value) { return own(JS_PromiseResult(context_, js(value))); }

}  // namespace dcp::engine::quickjs
