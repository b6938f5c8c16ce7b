#include "gpu/compilers.hpp"

#include <type_traits>
#include <utility>

#include "gpu/panic.hpp"

namespace dcp::gpu {
namespace {

std::function<void(const std::string&)> tell;

/// The function of wgpu-native at `member`.
template <auto member>
std::remove_cvref_t<decltype(std::declval<Functions&>().*member)> original = nullptr;

template <auto member, typename Handle, typename Descriptor>
Handle guarded(WGPUDevice device, const Descriptor* descriptor) {
  Handle made = nullptr;
  const auto panic = catch_panic([&] { made = original<member>(device, descriptor); });
  if (!panic) return made;
  tell(*panic);
  return nullptr;
}

template <auto member, typename Handle, typename Descriptor>
void guard(Functions& functions) {
  original<member> = std::exchange(functions.*member, guarded<member, Handle, Descriptor>);
}

}  // namespace

void guard_compilers(Functions& functions, std::function<void(const std::string& text)> panicked) {
  tell = std::move(panicked);
  guard<&Functions::DeviceCreateShaderModule, WGPUShaderModule, WGPUShaderModuleDescriptor>(functions);
  guard<&Functions::DeviceCreateComputePipeline, WGPUComputePipeline, WGPUComputePipelineDescriptor>(functions);
  guard<&Functions::DeviceCreateRenderPipeline, WGPURenderPipeline, WGPURenderPipelineDescriptor>(functions);
}

}  // namespace dcp::gpu
