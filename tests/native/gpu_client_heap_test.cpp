// The allocator of the GPU heap, against a plain model of it.
#include <map>
#include <random>

#include "check.hpp"
#include "gpu/client_heap.hpp"

using dcp::gpu::ClientHeap;

namespace {

constexpr std::uint64_t kSize = 1 << 20;
constexpr std::uint64_t kAlignment = 64;

void blocks_are_aligned_apart_and_inside() {
  std::mt19937 random(1);
  ClientHeap heap(kSize);
  std::map<std::uint64_t, std::uint64_t> blocks;  // offset -> size that was asked for
  for (int round = 0; round < 20'000; ++round) {
    if (random() % 3 != 0 || blocks.empty()) {
      const std::uint64_t size = random() % 30'000;
      const auto offset = heap.allocate(size);
      if (!offset) continue;
      CHECK(*offset % kAlignment == 0 && *offset + size <= kSize);
      const auto next = blocks.lower_bound(*offset);
      CHECK(next == blocks.end() || *offset + size <= next->first);
      CHECK(next == blocks.begin() || std::prev(next)->first + std::prev(next)->second <= *offset);
      CHECK(next == blocks.end() || next->first != *offset);
      blocks[*offset] = size;
    } else {
      const auto block = std::next(blocks.begin(), static_cast<long>(random() % blocks.size()));
      const std::uint64_t before = heap.free_bytes();
      const std::uint64_t freed = heap.free(block->first);
      CHECK(freed >= block->second && heap.free_bytes() == before + freed);
      blocks.erase(block);
    }
  }
  for (const auto& [offset, size] : blocks) heap.free(offset);
  CHECK_EQ(heap.free_bytes(), kSize);
  CHECK_EQ(heap.allocate(kSize), 0);  // all holes have become one again
}

void edges() {
  ClientHeap heap(kSize);
  CHECK(!heap.allocate(kSize + 1));
  CHECK(!heap.allocate(UINT64_MAX));
  CHECK(!heap.allocate(UINT64_MAX - 62));
  const auto empty = heap.allocate(0);
  const auto another = heap.allocate(0);
  CHECK(empty && another && *empty != *another);
  CHECK_EQ(heap.free(12345), 0);
  CHECK_EQ(heap.free(*empty), kAlignment);
  CHECK_EQ(heap.free(*empty), 0);
  CHECK_EQ(heap.free(*another), kAlignment);
  CHECK_EQ(heap.free_bytes(), kSize);
}

void a_full_heap_gives_nothing_until_a_block_is_free() {
  ClientHeap heap(4 * kAlignment);
  std::uint64_t offsets[4];
  for (std::uint64_t& offset : offsets) offset = heap.allocate(kAlignment).value_or(kSize);
  CHECK(!heap.allocate(1));
  heap.free(offsets[0]);
  heap.free(offsets[2]);
  CHECK_EQ(heap.free_bytes(), 2 * kAlignment);
  CHECK(!heap.allocate(2 * kAlignment));  // enough room, in two holes
  heap.free(offsets[1]);
  CHECK_EQ(heap.allocate(3 * kAlignment), offsets[0]);
}

}  // namespace

int main() {
  blocks_are_aligned_apart_and_inside();
  edges();
  a_full_heap_gives_nothing_until_a_block_is_free();
  return dcp::test::failures != 0;
}
