// The sandbox's allocator in the data heap of the shared memory. First fit, neighbours merged.
#pragma once

#include <cstdint>
#include <map>
#include <optional>

namespace dcp::gpu {

class ClientHeap {
 public:
  explicit ClientHeap(std::uint64_t size);

  /// Offset of a block; nothing where no hole is large enough.
  std::optional<std::uint64_t> allocate(std::uint64_t size);
  /// Frees a block; returns its size.
  std::uint64_t free(std::uint64_t offset);
  std::uint64_t free_bytes() const { return free_bytes_; }

 private:
  std::map<std::uint64_t, std::uint64_t> holes_;   // offset -> size
  std::map<std::uint64_t, std::uint64_t> blocks_;  // offset -> size
  std::uint64_t free_bytes_;
};

}  // namespace dcp::gpu
