// Code that lies in an open file, mapped by wasmtime.
#pragma once

#include "wasmtime/owned.hpp"

namespace dcp::wasm {

/// wasmtime_module_deserialize_file for a descriptor; null where wasmtime does not take the code. It maps the file; the
/// descriptor stays the caller's, and all modules together keep one other.
wasmtime::Owned<wasmtime_module_t> open_module(wasm_engine_t* engine, int file);

}  // namespace dcp::wasm
