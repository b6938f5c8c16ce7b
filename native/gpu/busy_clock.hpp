// How long the GPU has had work: the time during which at least one submission is not complete.
#pragma once

#include <cstdint>
#include <mutex>

#include "gpu/wire.hpp"

namespace dcp::gpu {

/// CLOCK_MONOTONIC in nanoseconds.
std::uint64_t monotonic_ns();

class BusyClock {
 public:
  explicit BusyClock(Header& header) : header_(header) {}
  void begin();
  void end();
  /// Nanoseconds, without a time that has begun and not ended.
  std::uint64_t total();

 private:
  Header& header_;  // where the sandbox reads it; the sums below are the ones to trust
  std::mutex mutex_;
  std::uint32_t outstanding_ = 0;
  std::uint64_t since_ = 0;
  std::uint64_t total_ = 0;
};

}  // namespace dcp::gpu
