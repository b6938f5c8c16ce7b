// An exported function as JavaScript calls it.
#pragma once

#include "wasm/store.hpp"

namespace dcp::wasm {

struct ExportedFunction : engine::NumericFunction {
  ExportedFunction(Store& of, const wasmtime_func_t& exported, FunctionType declared);

  Store& store;
  wasmtime_func_t function;
  FunctionType type;
};

}  // namespace dcp::wasm
