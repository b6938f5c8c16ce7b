#include "gpu/memory_account.hpp"

#include <algorithm>
#include <string>

#include "gpu/call.hpp"
#include "gpu/device.hpp"
#include "gpu/server.hpp"

namespace dcp::gpu {
namespace {

struct Block {
  std::uint32_t width, height, bytes;
};

/// Uncompressed formats by bytes a texel; compressed ones all have 16-byte blocks but those named here.
Block block_of(WGPUTextureFormat format) {
  switch (format) {
    case WGPUTextureFormat_R8Unorm:
    case WGPUTextureFormat_R8Snorm:
    case WGPUTextureFormat_R8Uint:
    case WGPUTextureFormat_R8Sint:
    case WGPUTextureFormat_Stencil8:
      return {1, 1, 1};
    case WGPUTextureFormat_R16Unorm:
    case WGPUTextureFormat_R16Snorm:
    case WGPUTextureFormat_R16Uint:
    case WGPUTextureFormat_R16Sint:
    case WGPUTextureFormat_R16Float:
    case WGPUTextureFormat_RG8Unorm:
    case WGPUTextureFormat_RG8Snorm:
    case WGPUTextureFormat_RG8Uint:
    case WGPUTextureFormat_RG8Sint:
    case WGPUTextureFormat_Depth16Unorm:
      return {1, 1, 2};
    case WGPUTextureFormat_RG32Uint:
    case WGPUTextureFormat_RG32Sint:
    case WGPUTextureFormat_RG32Float:
    case WGPUTextureFormat_RGBA16Unorm:
    case WGPUTextureFormat_RGBA16Snorm:
    case WGPUTextureFormat_RGBA16Uint:
    case WGPUTextureFormat_RGBA16Sint:
    case WGPUTextureFormat_RGBA16Float:
    case WGPUTextureFormat_Depth24PlusStencil8:
    case WGPUTextureFormat_Depth32FloatStencil8:
      return {1, 1, 8};
    case WGPUTextureFormat_RGBA32Uint:
    case WGPUTextureFormat_RGBA32Sint:
    case WGPUTextureFormat_RGBA32Float:
      return {1, 1, 16};
    case WGPUTextureFormat_BC1RGBAUnorm:
    case WGPUTextureFormat_BC1RGBAUnormSrgb:
    case WGPUTextureFormat_BC4RUnorm:
    case WGPUTextureFormat_BC4RSnorm:
    case WGPUTextureFormat_ETC2RGB8Unorm:
    case WGPUTextureFormat_ETC2RGB8UnormSrgb:
    case WGPUTextureFormat_ETC2RGB8A1Unorm:
    case WGPUTextureFormat_ETC2RGB8A1UnormSrgb:
    case WGPUTextureFormat_EACR11Unorm:
    case WGPUTextureFormat_EACR11Snorm:
      return {4, 4, 8};
    default:
      break;
  }
  const bool compressed = format >= WGPUTextureFormat_BC1RGBAUnorm && format < WGPUTextureFormat_Force32;
  // ASTC blocks are 4x4 to 12x12: the smallest counts.
  return compressed ? Block{4, 4, 16} : Block{1, 1, 4};
}

/// a * b, at most UINT64_MAX.
std::uint64_t product(std::uint64_t a, std::uint64_t b) {
  std::uint64_t result;
  return __builtin_mul_overflow(a, b, &result) ? UINT64_MAX : result;
}

std::uint64_t blocks(std::uint32_t texels, std::uint32_t level, std::uint32_t block) {
  const std::uint64_t size = std::max<std::uint64_t>(texels >> level, 1);
  return (size + block - 1) / block;
}

}  // namespace

bool MemoryAccount::take(std::uint64_t bytes, bool software) {
  const std::lock_guard lock(mutex_);
  if (bytes > limit_ || used_ > limit_ - bytes) return false;
  if (software && (bytes > software_limit_ || software_used_ > software_limit_ - bytes)) return false;
  used_ += bytes;
  if (software) software_used_ += bytes;
  header_.memory.store(used_, std::memory_order_relaxed);
  if (used_ > header_.memory_peak.load(std::memory_order_relaxed)) {
    header_.memory_peak.store(used_, std::memory_order_relaxed);
  }
  return true;
}

void MemoryAccount::give(std::uint64_t bytes, bool software) {
  const std::lock_guard lock(mutex_);
  used_ -= bytes;
  if (software) software_used_ -= bytes;
  header_.memory.store(used_, std::memory_order_relaxed);
}

void charge_memory(Call& call, Resource& resource, const Charged& charged) {
  const std::shared_ptr<MemoryAccount>& account = call.server().memory();
  const bool software = call.device().is_software;
  if (account->take(charged.bytes, software)) {
    resource.charge = MemoryCharge(account, charged.bytes, software);
    return;
  }
  std::string text;
  if (account->limit(software) != account->limit(false)) {  // nobody has asked for it: as if the driver had said so
    WGPULimits limits = WGPU_LIMITS_INIT;
    call.functions().DeviceGetLimits(call.device().handle(), &limits);
    if (!charged.fits(limits)) return;
    text = std::string(charged.call) + ": ";
  }
  text += std::to_string(charged.bytes) + " bytes more than the sandbox's " + std::to_string(account->limit(software)) +
          " bytes of GPU memory allow";
  call.device().report(WGPUErrorType_OutOfMemory, std::move(text));
  call.skip_call();
}

std::uint64_t texture_bytes(const WGPUTextureDescriptor& descriptor) {
  const Block block = block_of(descriptor.format);
  const bool volume = descriptor.dimension == WGPUTextureDimension_3D;
  std::uint64_t total = 0;
  for (std::uint32_t level = 0; level < std::min(descriptor.mipLevelCount, 32u); ++level) {
    const std::uint64_t depth = volume ? blocks(descriptor.size.depthOrArrayLayers, level, 1)
                                       : std::max(descriptor.size.depthOrArrayLayers, 1u);
    const std::uint64_t area =
        product(blocks(descriptor.size.width, level, block.width), blocks(descriptor.size.height, level, block.height));
    const std::uint64_t bytes = product(product(area, depth), block.bytes);
    if (__builtin_add_overflow(total, bytes, &total)) return UINT64_MAX;
  }
  return product(total, std::max(descriptor.sampleCount, 1u));
}

}  // namespace dcp::gpu
