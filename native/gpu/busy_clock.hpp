// How long the GPU has had work: the time during which at least one submission is not complete.
#pragma once

#include <cstdint>
#include <functional>
#include <mutex>
#include <utility>

#include "gpu/wire.hpp"

namespace dcp::gpu {

/// CLOCK_MONOTONIC in nanoseconds.
std::uint64_t monotonic_ns();

class BusyClock {
 public:
  /// Nanoseconds so far, whenever such a time has ended: before the sandbox can know that its work is done.
  using Tell = std::function<void(std::uint64_t total)>;

  BusyClock(Header& header, Tell tell) : header_(header), tell_(std::move(tell)) {}
  void begin();
  void end();

 private:
  Header& header_;  // where the sandbox reads it; the sums below are the ones to trust
  const Tell tell_;
  std::mutex mutex_;
  std::uint32_t outstanding_ = 0;
  std::uint64_t since_ = 0;
  std::uint64_t total_ = 0;
};

}  // namespace dcp::gpu
