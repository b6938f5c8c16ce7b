// Resource limits of a sandbox: getrlimit(2).
#pragma once

#include <cstddef>

#include "isolation/layer.hpp"

namespace dcp::isolation {

struct Limits {
  std::size_t memory = 0;  ///< bytes that the sandbox may add to the zygote's private memory; 0: unlimited
  std::size_t stack = 0;   ///< bytes of the main thread's stack; 0: as inherited
};

/// Descriptors that a sandbox may have open: a frame brings at most 64.
inline constexpr unsigned kMaxDescriptors = 256;

/// Soft and hard limits. Reads /proc, so it comes before the root is emptied.
Failure limit_resources(const Limits& limits);

}  // namespace dcp::isolation
