// Value and function types, as far as the border to JavaScript needs them.
#pragma once

#include <cstdint>
#include <vector>

#include "wasmtime/owned.hpp"

namespace dcp::wasm {

using wasmtime::Bytes;
using wasmtime::on_one_line;
using wasmtime::Owned;
using wasmtime::OwnedVector;
using wasmtime::Rooted;
using wasmtime::RootedRow;
using wasmtime::RootedValue;
using wasmtime::take_message;
using wasmtime::wt;

/// How a value crosses the border. `funcref` and `externref` stand for every type below func and extern.
enum class Kind : std::uint8_t { i32, i64, f32, f64, v128, funcref, externref, anyref, exnref };

/// wasmtime_val_t.kind of an anyref, which the Python package does not name.
inline constexpr std::uint8_t kAnyrefValue = static_cast<std::uint8_t>(Kind::anyref);

struct ValueType {
  Kind kind;
  bool nullable = true;
  bool holds_i31 = false;  ///< of anyref: any, eq, i31
  bool holds_any = false;  ///< of anyref: any itself, and not a type below it
};

struct FunctionType {
  std::vector<ValueType> params;
  std::vector<ValueType> results;
  /// Only i32, i64, f32 and f64: no references have to be rooted, and nothing has to be checked at the border.
  bool numeric = true;
  /// No value of the signature is one that JavaScript cannot hold (v128, exnref).
  bool callable = true;
};

ValueType value_type(wasm_valtype_t* type);
FunctionType function_type(wasm_functype_t* type);

/// "i32", "funcref", ...
const char* kind_name(Kind kind);

/// The C API's type for one of the kinds that JavaScript can name in a descriptor; the type that is made of it owns it.
wasm_valtype_t* new_valtype(Kind kind);

}  // namespace dcp::wasm
