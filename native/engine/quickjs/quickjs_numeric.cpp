// Functions over numbers: the exports of WebAssembly that a program calls most. No handles are made for their values.
#include <algorithm>
#include <array>
#include <bit>

#include "engine/quickjs/quickjs_engine.hpp"

namespace dcp::engine::quickjs {

namespace {

constexpr std::size_t kInline = 16;  // a call with more numbers allocates

std::size_t slots_of(const NumericFunction& function) {
  return std::max(function.params.size(), function.results.size());
}

}  // namespace

Value QuickJsEngine::numeric_function(const std::string& name, Keeper& keeper, NumericFunction& function) {
  // Data of the function: the keeper, and the address, whose 48 bits a number has room for.
  const auto address = static_cast<double>(reinterpret_cast<std::uintptr_t>(&function));
  JSValueConst data[] = {keeper_object(keeper), JS_NewFloat64(context_, address)};
  const int length = static_cast<int>(function.params.size());
  return own(JS_NewCFunctionData2(context_, invoke_numeric, name.c_str(), length, 0, 2, data));
}

JSValue QuickJsEngine::invoke_numeric(JSContext* context, JSValueConst, int argc, JSValueConst* argv, int,
                                      JSValueConst* data) {
  auto& engine = *static_cast<QuickJsEngine*>(JS_GetContextOpaque(context));
  auto& function = *reinterpret_cast<NumericFunction*>(static_cast<std::uintptr_t>(JS_VALUE_GET_FLOAT64(data[1])));
  const std::span args(argv, static_cast<std::size_t>(argc));
  const std::size_t count = slots_of(function);
  if (count > kInline) {
    std::vector<NumberSlot> slots(count);
    return engine.run_numeric(function, args, slots);
  }
  std::array<NumberSlot, kInline> slots;  // not cleared: what a function does not get it does not read
  return engine.run_numeric(function, args, std::span(slots).first(count));
}

JSValue QuickJsEngine::run_numeric(NumericFunction& function, std::span<const JSValue> args,
                                   std::span<NumberSlot> slots) {
  for (std::size_t i = 0; i < function.params.size(); ++i) {
    if (!to_slot(function.params[i], i < args.size() ? args[i] : JS_UNDEFINED, slots[i])) return JS_EXCEPTION;
  }
  return guarded(context_, *this, [&] {
    const Scope scope(*this);
    function.run(function, slots);
    const std::size_t count = function.results.size();
    if (count == 0) return JS_UNDEFINED;
    if (count == 1) return from_slot(function.results[0], slots[0]);
    std::vector<Value> values(count);
    for (std::size_t i = 0; i < count; ++i) values[i] = own(from_slot(function.results[i], slots[i]));
    return JS_DupValue(context_, js(array(values)));
  });
}

// ToWebAssemblyValue; false with an exception pending. A number needs no look at what it could be otherwise.
bool QuickJsEngine::to_slot(NumberType type, JSValue value, NumberSlot& slot) {
  if (type == NumberType::i32) {
    std::int32_t number = 0;
    if (JS_VALUE_GET_TAG(value) == JS_TAG_INT) {
      number = JS_VALUE_GET_INT(value);
    } else if (JS_ToInt32(context_, &number, value) < 0) {
      return false;
    }
    slot.bits = static_cast<std::uint32_t>(number);
    return true;
  }
  if (type == NumberType::i64) {
    std::int64_t number = 0;
    if (JS_ToBigInt64(context_, &number, value) < 0) return false;
    slot.bits = static_cast<std::uint64_t>(number);
    return true;
  }
  double number = 0;
  if (JS_TAG_IS_FLOAT64(JS_VALUE_GET_TAG(value))) {
    number = JS_VALUE_GET_FLOAT64(value);
  } else if (JS_ToFloat64(context_, &number, value) < 0) {
    return false;
  }
  slot.bits = type == NumberType::f64 ? std::bit_cast<std::uint64_t>(number)
                                      : std::bit_cast<std::uint32_t>(static_cast<float>(number));
  return true;
}

// ToJSValue.
JSValue QuickJsEngine::from_slot(NumberType type, NumberSlot slot) {
  switch (type) {
    case NumberType::i32:
      return JS_NewInt32(context_, static_cast<std::int32_t>(slot.bits));
    case NumberType::i64:
      return JS_NewBigInt64(context_, static_cast<std::int64_t>(slot.bits));
    case NumberType::f32:
      return JS_NewNumber(context_, std::bit_cast<float>(static_cast<std::uint32_t>(slot.bits)));
    default:
      return JS_NewNumber(context_, std::bit_cast<double>(slot.bits));
  }
}

}  // namespace dcp::engine::quickjs
