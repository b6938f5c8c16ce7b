// The memory of ArrayBuffers, counted: together with the heap they stay below the sandbox's limit.
#pragma once

#include <v8.h>

#include <cstddef>

namespace dcp::engine::v8engine {

class BufferAllocator final : public v8::ArrayBuffer::Allocator {
 public:
  /// `limit`: bytes; 0: unlimited. Beyond it V8 collects garbage, tries again and throws a RangeError.
  void set_limit(std::size_t limit) { limit_ = limit; }
  void set_isolate(v8::Isolate* isolate) { isolate_ = isolate; }

  void* Allocate(std::size_t size) override { return allocate(size, true); }
  void* AllocateUninitialized(std::size_t size) override { return allocate(size, false); }
  void Free(void* data, std::size_t size) override;

 private:
  void* allocate(std::size_t size, bool zeroed);
  bool fits(std::size_t size) const;

  v8::Isolate* isolate_ = nullptr;
  std::size_t limit_ = 0;
  std::size_t used_ = 0;
};

}  // namespace dcp::engine::v8engine
