#include "wasm/string_builtins.hpp"

#include <algorithm>
#include <cstring>

namespace dcp::wasm {

namespace {

// What ends a builtin as a trap, which wasm cannot catch.
struct Trapped {
  std::string_view message;
};

constexpr Trapped kNoString{"the value is no string"};
constexpr Trapped kOutOfBounds{"string offset is out of bounds"};
constexpr Trapped kArrayBounds{"array element access out of bounds"};

// Parameters, and then the result, of one call.
struct Call {
  Store& store;
  wasmtime_val_raw_t* slots;

  Engine& js() { return store.js(); }
  engine::WasmSupport& support() { return store.host().support(); }
  std::uint32_t number(std::size_t i) const { return static_cast<std::uint32_t>(slots[i].i32); }
  Value value(std::size_t i) { return store.extern_to_js(slots[i].externref); }
  Value string(std::size_t i) {
    const Value found = value(i);
    if (js().kind(found) != engine::Kind::string) throw kNoString;
    return found;
  }
  void give(std::uint32_t result) { slots[0].i64 = result; }
  void give(Value result) { slots[0].i64 = store.extern_to_raw(result); }
};

// An array of code units: a parameter.
class Units {
 public:
  Units(Call& call, std::size_t i) : context_(call.store.context()), host_(call.store.host()) {
    if (call.slots[i].anyref == 0) throw Trapped{"dereferencing a null pointer"};
    Rooted<wasmtime_anyref_t> any;
    wt.wasmtime_anyref_from_raw(context_, call.slots[i].anyref, any.fill());
    if (!wt.wasmtime_anyref_as_array(context_, any.get(), array_.fill())) throw Trapped{"the value is no array"};
  }

  std::uint32_t length() {
    std::uint32_t length = 0;
    host_.check(wt.wasmtime_arrayref_len(context_, array_.get(), &length), Failure::runtime);
    return length;
  }
  char16_t get(std::uint32_t i) {
    wasmtime_val_t element = {};
    host_.check(wt.wasmtime_arrayref_get(context_, array_.get(), i, &element), Failure::runtime);
    return static_cast<char16_t>(element.of.i32);
  }
  void set(std::uint32_t i, char16_t unit) {
    wasmtime_val_t element = {};
    element.kind = WASMTIME_I32;
    element.of.i32 = unit;
    host_.check(wt.wasmtime_arrayref_set(context_, array_.get(), i, &element), Failure::runtime);
  }

 private:
  wasmtime_context_t* context_;
  Host& host_;
  Rooted<wasmtime_arrayref_t> array_;
};

Value string_of(Call& call, std::uint32_t code_point) {
  constexpr std::uint32_t first_pair = 0x10000;
  if (code_point < first_pair) {
    const auto unit = static_cast<char16_t>(code_point);
    return call.js().string(std::u16string_view(&unit, 1));
  }
  const std::uint32_t rest = code_point - first_pair;
  const char16_t pair[] = {static_cast<char16_t>(0xD800 + (rest >> 10)),
                           static_cast<char16_t>(0xDC00 + (rest & 0x3FF))};
  return call.js().string(std::u16string_view(pair, 2));
}

// Below zero, zero or above: as JavaScript orders strings, by code units.
int order(const engine::StringUnits& a, const engine::StringUnits& b) {
  const std::uint32_t common = std::min(a.length, b.length);
  if (!a.wide && !b.wide) {
    const int first = common == 0 ? 0 : std::memcmp(a.data, b.data, common);
    if (first != 0) return first;
  } else {
    for (std::uint32_t i = 0; i < common; ++i) {
      if (a[i] != b[i]) return a[i] < b[i] ? -1 : 1;
    }
  }
  return a.length == b.length ? 0 : a.length < b.length ? -1 : 1;
}

// The result is the parameter, in the same slot.
void cast(Call& call) { call.string(0); }

void test(Call& call) { call.give(call.js().kind(call.value(0)) == engine::Kind::string ? 1u : 0u); }

void from_char_code_array(Call& call) {
  Units units(call, 0);
  const std::uint32_t start = call.number(1), end = call.number(2);
  if (start > end || end > units.length()) throw kArrayBounds;
  std::u16string text(end - start, u'\0');
  for (std::uint32_t i = start; i < end; ++i) text[i - start] = units.get(i);
  call.give(call.js().string(text));
}

void into_char_code_array(Call& call) {
  Units units(call, 1);
  const engine::StringUnits text = call.support().string_units(call.string(0));
  const std::uint32_t start = call.number(2);
  if (std::uint64_t{start} + text.length > units.length()) throw kArrayBounds;
  for (std::uint32_t i = 0; i < text.length; ++i) units.set(start + i, text[i]);
  call.give(text.length);
}

void from_char_code(Call& call) { call.give(string_of(call, call.number(0) & 0xFFFF)); }

void from_code_point(Call& call) {
  if (call.number(0) > 0x10FFFF) throw Trapped{"invalid code point"};
  call.give(string_of(call, call.number(0)));
}

void char_code_at(Call& call) {
  const engine::StringUnits text = call.support().string_units(call.string(0));
  if (call.number(1) >= text.length) throw kOutOfBounds;
  call.give(std::uint32_t{text[call.number(1)]});
}

void code_point_at(Call& call) {
  const engine::StringUnits text = call.support().string_units(call.string(0));
  const std::uint32_t at = call.number(1);
  if (at >= text.length) throw kOutOfBounds;
  const std::uint32_t lead = text[at];
  const std::uint32_t trail = at + 1 < text.length ? text[at + 1] : 0;
  const bool is_pair = lead >> 10 == 0xD800 >> 10 && trail >> 10 == 0xDC00 >> 10;
  call.give(is_pair ? 0x10000 + ((lead & 0x3FF) << 10) + (trail & 0x3FF) : lead);
}

void length(Call& call) { call.give(call.js().string_length(call.string(0))); }

void concat(Call& call) {
  const Value first = call.string(0);
  call.give(call.js().concat(first, call.string(1)));
}

void substring(Call& call) {
  const Value text = call.string(0);
  const std::uint32_t size = call.js().string_length(text);
  const std::uint32_t start = call.number(1), end = std::min(call.number(2), size);
  call.give(start > end ? call.js().string(std::u16string_view()) : call.js().slice(text, start, end));
}

Value string_or_null(Call& call, std::size_t i) {
  return call.slots[i].externref == 0 ? call.js().null() : call.string(i);
}

void equals(Call& call) {
  const Value first = string_or_null(call, 0);
  call.give(call.js().same(first, string_or_null(call, 1)) ? 1u : 0u);
}

void compare(Call& call) {
  const Value first = call.string(0);
  const Value second = call.string(1);
  const int found = order(call.support().string_units(first), call.support().string_units(second));
  call.give(static_cast<std::uint32_t>(found == 0 ? 0 : found < 0 ? -1 : 1));
}

// Between wasm and a builtin: no C++ exception leaves it.
template <void (*builtin)(Call&)>
std::size_t enter(void* env, wasmtime_caller_t*, wasmtime_val_raw_t* slots, std::size_t) {
  Store& store = *static_cast<Store*>(env);
  const engine::Scope scope(store.js());
  Call call{store, slots};
  try {
    builtin(call);
    return 0;
  } catch (const Trapped& trapped) {
    return reinterpret_cast<std::size_t>(wt.wasmtime_trap_new(trapped.message.data(), trapped.message.size()));
  } catch (engine::Thrown& thrown) {
    return store.throw_into_wasm(std::move(thrown));
  } catch (const std::exception& error) {
    return store.throw_into_wasm({Ref(store.js(), store.js().error(engine::ErrorType::range_error, error.what()))});
  }
}

struct Builtin {
  std::string_view name;
  decltype(&enter<cast>) call;
};

constexpr Builtin kBuiltins[] = {
    {"cast", enter<cast>},
    {"test", enter<test>},
    {"fromCharCodeArray", enter<from_char_code_array>},
    {"intoCharCodeArray", enter<into_char_code_array>},
    {"fromCharCode", enter<from_char_code>},
    {"fromCodePoint", enter<from_code_point>},
    {"charCodeAt", enter<char_code_at>},
    {"codePointAt", enter<code_point_at>},
    {"length", enter<length>},
    {"concat", enter<concat>},
    {"substring", enter<substring>},
    {"equals", enter<equals>},
    {"compare", enter<compare>},
};

}  // namespace

wasmtime_func_t string_builtin(Store& store, std::string_view name, wasm_functype_t* type) {
  const auto* known = std::ranges::find(kBuiltins, name, &Builtin::name);
  if (known == std::end(kBuiltins)) store.host().raise(Failure::link, "no such builtin: " + std::string(name));
  wasmtime_func_t function = {};
  wt.wasmtime_func_new_unchecked(store.context(), type, known->call, &store, nullptr, &function);
  return function;
}

}  // namespace dcp::wasm
