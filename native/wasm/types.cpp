#include "wasm/types.hpp"

namespace dcp::wasm {

namespace {

// wasmtime_valtype_t.kind and wasmtime_heaptype_t.kind of wasmtime 50; the Python package names neither.
constexpr std::uint8_t kValtypeRef = 5;
enum Heap : std::uint8_t {
  kExtern = 0,
  kNoExtern = 1,
  kFunc = 2,
  kConcreteFunc = 3,
  kNoFunc = 4,
  kAny = 5,
  kEq = 7,
  kI31 = 8,
  kExn = 13,
  kConcreteExn = 14,
  kNoExn = 15,
};
// wasm_valkind_t
constexpr std::uint8_t kWasmExternref = 128;
constexpr std::uint8_t kWasmFuncref = 129;

Kind reference_kind(std::uint8_t heap) {
  switch (heap) {
    case kExtern:
    case kNoExtern:
      return Kind::externref;
    case kFunc:
    case kConcreteFunc:
    case kNoFunc:
      return Kind::funcref;
    case kExn:
    case kConcreteExn:
    case kNoExn:
      return Kind::exnref;
    default:
      return Kind::anyref;
  }
}

// A type as wasmtime's own interface has it, which tells the heap types apart.
struct FullType {
  explicit FullType(wasm_valtype_t* of) { wt.wasmtime_valtype_new(of, &type); }
  FullType(const FullType&) = delete;
  FullType& operator=(const FullType&) = delete;
  ~FullType() {
    if (type.kind == kValtypeRef) wt.wasmtime_valtype_delete(&type);
  }
  wasmtime_valtype_t type;
};

bool is_numeric(Kind kind) { return kind <= Kind::f64; }

std::vector<ValueType> value_types(const wasm_valtype_vec_t* types, FunctionType& of) {
  std::vector<ValueType> result;
  result.reserve(types->size);
  for (std::size_t i = 0; i < types->size; ++i) {
    const ValueType type = value_type(types->data[i]);
    of.numeric = of.numeric && is_numeric(type.kind);
    of.callable = of.callable && type.kind != Kind::v128 && type.kind != Kind::exnref;
    result.push_back(type);
  }
  return result;
}

}  // namespace

ValueType value_type(wasm_valtype_t* type) {
  const FullType full(type);
  if (full.type.kind != kValtypeRef) return {static_cast<Kind>(full.type.kind), false, false, false};
  const std::uint8_t heap = full.type.reftype.heaptype.kind;
  const bool holds_i31 = heap == kAny || heap == kEq || heap == kI31;
  return {reference_kind(heap), full.type.reftype.nullable, holds_i31, heap == kAny};
}

FunctionType function_type(wasm_functype_t* type) {
  FunctionType result;
  result.params = value_types(wt.wasm_functype_params(type), result);
  result.results = value_types(wt.wasm_functype_results(type), result);
  return result;
}

const char* kind_name(Kind kind) {
  constexpr const char* names[] = {"i32", "i64", "f32", "f64", "v128", "funcref", "externref", "anyref", "exnref"};
  return names[static_cast<std::size_t>(kind)];
}

wasm_valtype_t* new_valtype(Kind kind) {
  if (kind == Kind::v128) return wt.wasmtime_wasm_valtype_v128();
  if (is_numeric(kind)) return wt.wasm_valtype_new(static_cast<std::uint8_t>(kind));
  return wt.wasm_valtype_new(kind == Kind::funcref ? kWasmFuncref : kWasmExternref);
}

}  // namespace dcp::wasm
