// GPU time by timestamps: two around each submission, read when it is complete. For devices whose adapter has
// timestamps between commands; where there are none, or too many submissions at once, BusyClock's time is all there is.
#pragma once

#include <array>
#include <cstdint>
#include <mutex>
#include <optional>
#include <vector>

#include "gpu/wire.hpp"
#include "webgpu_decoder.hpp"

namespace dcp::gpu {

class GpuTimer {
 public:
  /// One submission that is timed.
  struct Span {
    std::uint32_t slot;
    WGPUCommandBuffer before, after;
  };

  /// `device` has both features of timestamps. What is made here is released by release().
  GpuTimer(const Functions& functions, WGPUDevice device, WGPUQueue queue, Header& header);

  /// Commands to submit before and after those of the sandbox; nothing where too many spans are open.
  std::optional<Span> open();
  /// They were submitted, or, where not `submitted`, refused. Returns the slot to read later.
  std::optional<std::uint32_t> submitted(const Span& span, bool submitted);
  /// Reads a span whose submission is complete. On the poller's thread.
  void read(std::uint32_t slot);
  void release();

 private:
  static constexpr std::uint32_t kSlots = 64;
  static constexpr std::uint64_t kBytes = 16;       // of two timestamps
  static constexpr std::uint64_t kAlignment = 256;  // of what a query set is resolved to

  WGPUBuffer buffer(WGPUBufferUsage usage, std::uint64_t size) const;

  const Functions& functions_;
  const WGPUDevice device_;
  Header& header_;
  const double period_;  ///< nanoseconds of a tick
  WGPUQuerySet queries_;
  WGPUBuffer resolved_;
  std::array<WGPUBuffer, kSlots> results_;
  std::mutex mutex_;
  std::vector<std::uint32_t> free_;
};

}  // namespace dcp::gpu
