// A compiled module, as the handle of a WebAssembly.Module carries it.
#pragma once

#include "wasm/binary.hpp"
#include "wasm/host.hpp"

namespace dcp::wasm {

struct Module {
  Module(wasmtime_module_t* compiled, ModuleBinary parts) : module(compiled), binary(std::move(parts)) {}
  Module(const Module&) = delete;
  Module& operator=(const Module&) = delete;
  ~Module();

  wasmtime_module_t* module;
  ModuleBinary binary;
};

}  // namespace dcp::wasm
