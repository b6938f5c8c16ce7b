// The payload of a WebAssembly.Exception.
#pragma once

#include "wasm/store.hpp"

namespace dcp::wasm {

struct Exception {
  Exception(Store& store, Rooted<wasmtime_exnref_t> reference);
  Exception(const Exception&) = delete;
  Exception& operator=(const Exception&) = delete;
  ~Exception();

  Store& store;
  Rooted<wasmtime_exnref_t> reference;
  Ref object;  ///< a WeakRef of the WebAssembly.Exception: the same one comes back from wasm
};

}  // namespace dcp::wasm
