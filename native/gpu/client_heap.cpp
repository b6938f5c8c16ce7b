#include "gpu/client_heap.hpp"

#include <algorithm>
#include <iterator>

namespace dcp::gpu {
namespace {

constexpr std::uint64_t kAlignment = 64;

}  // namespace

ClientHeap::ClientHeap(std::uint64_t size) : free_bytes_(size) { holes_[0] = size; }

std::optional<std::uint64_t> ClientHeap::allocate(std::uint64_t size) {
  if (size > free_bytes_) return std::nullopt;
  const std::uint64_t rounded = std::max(kAlignment, (size + kAlignment - 1) / kAlignment * kAlignment);
  for (auto hole = holes_.begin(); hole != holes_.end(); ++hole) {
    const auto [offset, room] = *hole;
    if (room < rounded) continue;
    holes_.erase(hole);
    if (room > rounded) holes_[offset + rounded] = room - rounded;
    blocks_[offset] = rounded;
    free_bytes_ -= rounded;
    return offset;
  }
  return std::nullopt;
}

std::uint64_t ClientHeap::free(std::uint64_t offset) {
  const auto block = blocks_.find(offset);
  if (block == blocks_.end()) return 0;
  const std::uint64_t size = block->second;
  blocks_.erase(block);
  free_bytes_ += size;
  auto hole = holes_.emplace(offset, size).first;
  if (const auto next = std::next(hole); next != holes_.end() && hole->first + hole->second == next->first) {
    hole->second += next->second;
    holes_.erase(next);
  }
  if (hole != holes_.begin()) {
    const auto previous = std::prev(hole);
    if (previous->first + previous->second == hole->first) {
      previous->second += hole->second;
      holes_.erase(hole);
    }
  }
  return size;
}

}  // namespace dcp::gpu
