// The payload of a WebAssembly.Exception.
#pragma once

#include "wasm/host.hpp"

namespace dcp::wasm {

struct Exception {
  Exception(Host& host, wasmtime_exnref_t reference);
  Exception(const Exception&) = delete;
  Exception& operator=(const Exception&) = delete;
  ~Exception();

  Host& host;
  wasmtime_exnref_t reference;
  Ref object;  ///< a WeakRef of the WebAssembly.Exception: the same one comes back from wasm
};

}  // namespace dcp::wasm
