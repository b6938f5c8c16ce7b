// Linear memory: address space that never moves, counted against one limit for all memories.
#pragma once

#include <cstddef>

#include "wasmtime/library.hpp"

namespace dcp::wasm {

/// Hands linear memories to wasmtime. Must outlive the wasmtime engine.
class Regions {
 public:
  explicit Regions(std::size_t limit) : limit_(limit) {}

  /// Makes wasmtime ask here for every linear memory.
  void attach(wasm_config_t* config);

  /// True once after any memory has grown.
  bool take_grown() {
    const bool grown = grown_;
    grown_ = false;
    return grown;
  }
  /// True once after a memory was refused: the limit, or the kernel.
  bool take_refused() {
    const bool refused = refused_;
    refused_ = false;
    return refused;
  }
  /// Bytes of linear memory that guests can reach now.
  std::size_t used() const { return used_; }

 private:
  struct Region;

  static std::size_t create(void* env, wasm_memorytype_t* type, std::size_t minimum, std::size_t maximum,
                            std::size_t reserved, std::size_t guard, wasmtime_linear_memory_t* out);
  static std::size_t look(void* env, std::size_t* size, std::size_t* capacity);
  static std::size_t grow(void* env, std::size_t size);
  static void destroy(void* env);

  bool reserve(std::size_t bytes);
  std::size_t refuse(const char* reason);

  std::size_t limit_;
  std::size_t used_ = 0;
  std::size_t count_ = 0;
  bool grown_ = false;
  bool refused_ = false;
};

}  // namespace dcp::wasm
