// The ops behind the WebAssembly namespace (runtime/js/webassembly*.js), on wasmtime's C API.
//
// wasmtime's library is opened and its engine is made in install(): in the zygote, before it forks. Nothing here
// starts a thread. Stores, which hold instances, memories, tables and globals, are made when they are needed.
// A sandbox leaves with _exit and destroys neither engine nor stores.
#pragma once

#include <cstddef>
#include <string>

#include "runtime/runtime.hpp"
#include "runtime/webassembly.hpp"

namespace dcp::wasm {

struct Options {
  /// Bytes of linear memory that all memories of the sandbox may have together; 0: unlimited.
  std::size_t memory_limit = 0;
  /// Bytes of native stack that wasm frames may use below the first call into wasm. Together with the engine's own
  /// stack limit and 1 MiB for native code this must fit the stack of the thread.
  std::size_t stack = std::size_t{1} << 20;
};

/// Opens wasmtime at `library_path` and adds the ops. Throws std::runtime_error that names the cause and the remedy
/// when the library is missing, is no wasmtime, or is a version that this build was not made for. What it returns, a
/// Host, lives until the process ends.
runtime::WebAssembly& install(runtime::Runtime& runtime, const std::string& library_path, const Options& options = {});

}  // namespace dcp::wasm
