#include "engine/v8/buffer_allocator.hpp"

#include <cstdlib>

namespace dcp::engine::v8engine {

namespace {

constexpr std::size_t kLarge = std::size_t{1} << 20;  // from here on the heap is looked at too

}  // namespace

bool BufferAllocator::fits(std::size_t size) const {
  if (limit_ == 0) return true;
  if (size > limit_ || used_ > limit_ - size) return false;
  if (size < kLarge) return true;
  v8::HeapStatistics heap;
  isolate_->GetHeapStatistics(&heap);
  return heap.total_heap_size() <= limit_ - used_ - size;
}

void* BufferAllocator::allocate(std::size_t size, bool zeroed) {
  if (!fits(size)) return nullptr;
  void* data = zeroed ? std::calloc(1, size == 0 ? 1 : size) : std::malloc(size == 0 ? 1 : size);
  if (data != nullptr) used_ += size;
  return data;
}

void BufferAllocator::Free(void* data, std::size_t size) {
  std::free(data);
  used_ -= size;
}

}  // namespace dcp::engine::v8engine
