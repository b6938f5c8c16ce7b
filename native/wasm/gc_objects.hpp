// Structs and arrays of wasm as JavaScript holds them: opaque objects, the same one for the same struct or array.
#pragma once

#include <cstdint>

#include "wasm/store.hpp"

namespace dcp::wasm {

struct GcObject {
  GcObject(Store& store, Rooted<wasmtime_anyref_t> reference);
  GcObject(const GcObject&) = delete;
  GcObject& operator=(const GcObject&) = delete;
  ~GcObject();

  Store& store;
  Rooted<wasmtime_anyref_t> reference;
  std::uint32_t raw;  ///< identifies it as long as it is rooted
  Ref object;         ///< a WeakRef
};

}  // namespace dcp::wasm
