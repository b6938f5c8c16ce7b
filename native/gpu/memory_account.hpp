// GPU memory that a sandbox holds: its limit, and the peak that the slice's metrics show.
//
// What counts is what WebGPU defines as the size of a buffer or texture, from its creation until it is destroyed, or
// until nothing refers to it any more. A driver's rounding and its own needs do not count.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <utility>

#include "gpu/wire.hpp"
#include "webgpu_decoder.hpp"

namespace dcp::gpu {

class Call;
struct Resource;

class MemoryAccount {
 public:
  /// `header`: where the sandbox reads what it uses; it is never read back, but for the peak, which a slice resets.
  /// `software`: limit of what is on adapters that are software.
  MemoryAccount(std::uint64_t limit, Header& header, std::uint64_t software = UINT64_MAX)
      : limit_(limit), software_limit_(std::min(limit, software)), header_(header) {}
  /// False where that were more than the limit. `software`: on an adapter that is.
  bool take(std::uint64_t bytes, bool software = false);
  void give(std::uint64_t bytes, bool software = false);
  std::uint64_t limit(bool software) const { return software ? software_limit_ : limit_; }

 private:
  const std::uint64_t limit_, software_limit_;
  Header& header_;
  std::mutex mutex_;
  std::uint64_t used_ = 0, software_used_ = 0;
};

/// Bytes of an account, given back once.
class MemoryCharge {
 public:
  MemoryCharge() = default;
  MemoryCharge(std::shared_ptr<MemoryAccount> account, std::uint64_t bytes, bool software = false)
      : account_(std::move(account)), bytes_(bytes), software_(software) {}
  MemoryCharge(MemoryCharge&& other) noexcept { *this = std::move(other); }
  MemoryCharge& operator=(MemoryCharge&& other) noexcept {
    release();
    account_ = std::move(other.account_);
    bytes_ = std::exchange(other.bytes_, 0);
    software_ = other.software_;
    return *this;
  }
  ~MemoryCharge() { release(); }
  void release() {
    if (account_) account_->give(bytes_, software_);
    account_.reset();
  }

 private:
  std::shared_ptr<MemoryAccount> account_;
  std::uint64_t bytes_ = 0;
  bool software_ = false;
};

/// What is to be charged. `fits`: whether the device's limits allow the size; wgpu-native refuses others.
struct Charged {
  const char* call;
  std::uint64_t bytes;
  std::function<bool(const WGPULimits&)> fits;
};

/// Charges what `call` is about to make; beyond the limit the call becomes a GPUOutOfMemoryError and is not made.
void charge_memory(Call& call, Resource& resource, const Charged& charged);

/// Bytes of all levels, layers and samples of a texture (WebGPU, section 6.1: texel block memory cost); for formats
/// whose cost the specification leaves open, the most that it can be. UINT64_MAX where it does not fit.
std::uint64_t texture_bytes(const WGPUTextureDescriptor& descriptor);

}  // namespace dcp::gpu
