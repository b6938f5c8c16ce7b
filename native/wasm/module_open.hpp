// Code that lies in an open file, mapped by wasmtime.
#pragma once

#include "wasmtime/library.hpp"

namespace dcp::wasm {

/// wasmtime_module_deserialize_file for a descriptor. wasmtime maps the file and keeps nothing else of it.
wasmtime_error_t* open_module(wasm_engine_t* engine, int file, wasmtime_module_t** module);

}  // namespace dcp::wasm
