// An exported function as JavaScript calls it.
#pragma once

#include "wasm/store.hpp"

namespace dcp::wasm {

struct ExportedFunction {
  wasmtime_func_t function;
  FunctionType type;
};

}  // namespace dcp::wasm
