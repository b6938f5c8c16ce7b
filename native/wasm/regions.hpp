// Linear memory: address space that never moves, counted against one limit for all memories.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <utility>

#include "wasmtime/library.hpp"

namespace dcp::wasm {

/// Hands linear memories to wasmtime. Must outlive the wasmtime engine.
class Regions {
 public:
  /// `on_refused` is told of each memory, or growth of one, that there is no room for.
  Regions(std::size_t limit, std::function<void()> on_refused) : limit_(limit), on_refused_(std::move(on_refused)) {}

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
  /// Bytes of linear memory that guests can reach now, and how many memories there are.
  std::size_t used() const { return used_; }
  std::size_t count() const { return count_; }
  /// Bytes of linear memory that there may be.
  std::size_t limit() const { return limit_ != 0 ? limit_ : kAssumedLimit; }
  /// How many memories there have been, those that are gone included.
  std::size_t made() const { return made_; }
  /// Whether it is worth the while to look for memories that nobody uses any more.
  bool is_strained() const { return used_ >= limit() / 4 || count_ >= kMostRegions / 4; }

  /// Keeps the memory that begins at `data` mapped until let_go() has been called with the result; null for memory of
  /// another origin.
  void* hold(void* data);
  /// As the engine calls it when a buffer is given up.
  static void let_go(void* data, std::size_t size, void* hold);

 private:
  struct Region;

  // Each reserves 4 GiB and more; the rest of the sandbox needs address space and mappings too.
  static constexpr std::size_t kMostRegions = 4096;
  static constexpr std::size_t kAssumedLimit = std::size_t{8} << 30;

  static std::size_t create(void* env, wasm_memorytype_t* type, std::size_t minimum, std::size_t maximum,
                            std::size_t reserved, std::size_t guard, wasmtime_linear_memory_t* out);
  static std::size_t look(void* env, std::size_t* size, std::size_t* capacity);
  static std::size_t grow(void* env, std::size_t size);
  static void destroy(void* env);

  static void unmap(Region* region);
  bool reserve(std::size_t bytes);
  std::size_t refuse(const char* reason);

  std::size_t limit_;
  std::function<void()> on_refused_;
  std::size_t used_ = 0;
  std::size_t count_ = 0;
  std::size_t made_ = 0;
  std::map<void*, Region*> by_data_;
  bool grown_ = false;
  bool refused_ = false;
};

}  // namespace dcp::wasm
