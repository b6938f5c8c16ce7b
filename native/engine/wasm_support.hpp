// What a WebAssembly that is not the engine's own asks of the engine, beyond engine.hpp.
#pragma once

#include <cstdint>

#include "engine/engine.hpp"

namespace dcp::engine {

/// A native function that is bound to a keeper's pointer and a number.
using BoundOp = Value (*)(Engine& engine, void* pointer, std::uint32_t index, std::span<const Value> args);

/// Keeps values alive as long as its own object is reachable. The collector sees these references, so cycles through a
/// keeper are collected, other than those through a Ref. Valid until its `finalize` is called.
class Keeper {
 public:
  /// The opaque object, as a local handle.
  virtual Value object() = 0;
  /// Keeps a value and returns its slot.
  virtual std::uint32_t keep(Value value) = 0;
  virtual Value kept(std::uint32_t slot) = 0;
  virtual void drop(std::uint32_t slot) = 0;

 protected:
  ~Keeper() = default;
};

class WasmSupport {
 public:
  /// `finalize(pointer)` is called when the keeper's object is collected; it must not call the engine.
  virtual Keeper& keeper(void* pointer, void (*finalize)(void* pointer)) = 0;
  /// A function that calls `op` with the keeper's pointer and `index`, and keeps the keeper's object alive.
  virtual Value bound_function(const std::string& name, int length, Keeper& keeper, BoundOp op,
                               std::uint32_t index) = 0;
  /// A resizable ArrayBuffer, or growable SharedArrayBuffer, over foreign memory of which `most` bytes may come into
  /// use. Only set_length() may change its length: the caller keeps user code from doing so.
  virtual Value resizable_array_buffer(void* data, std::size_t size, std::size_t most, bool shared,
                                       ReleaseBuffer release, void* opaque) = 0;
  /// More of the memory behind such a buffer has come into use; its bytes stay.
  virtual void set_length(Value array_buffer, std::size_t size) = 0;
  /// Of a string; of nothing else.
  virtual StringUnits string_units(Value string) = 0;

 protected:
  ~WasmSupport() = default;
};

}  // namespace dcp::engine
