#include "gpu/rehearsal.hpp"

#include "gpu/device.hpp"

namespace dcp::gpu {
namespace {

/// The error between begin_capture() and here, without the name of the call that raised it.
std::string captured(Device& device) {
  const std::optional<DeviceError> error = device.end_capture();
  device.begin_call();
  if (!error) return {};
  const std::size_t name = error->message.find(": ");
  return name == std::string::npos ? error->message : error->message.substr(name + 2);
}

bool has_attachment(const WGPURenderBundleEncoderDescriptor& descriptor) {
  for (std::size_t i = 0; i < descriptor.colorFormatCount; ++i) {
    if (descriptor.colorFormats[i] != WGPUTextureFormat_Undefined) return true;
  }
  return descriptor.depthStencilFormat != WGPUTextureFormat_Undefined;
}

}  // namespace

Rehearsal::~Rehearsal() {
  if (pass_ != nullptr) functions_.RenderPassEncoderRelease(pass_);
  if (encoder_ != nullptr) functions_.CommandEncoderRelease(encoder_);
  for (const auto& [kind, handle] : kept_) release_handle(functions_, kind, handle);
}

std::string Rehearsal::begin(const WGPURenderBundleEncoderDescriptor& descriptor) {
  WGPULimits limits = WGPU_LIMITS_INIT;
  functions_.DeviceGetLimits(device_.handle(), &limits);
  if (descriptor.colorFormatCount > limits.maxColorAttachments) {
    return "colorFormats are more than maxColorAttachments, " + std::to_string(limits.maxColorAttachments);
  }
  if (!has_attachment(descriptor)) return "there is neither a color format nor a depth-stencil format";
  device_.begin_capture();
  begin_pass(descriptor);
  return captured(device_);
}

WGPUTextureView Rehearsal::attachment(WGPUTextureFormat format, std::uint32_t samples) {
  WGPUTextureDescriptor descriptor = WGPU_TEXTURE_DESCRIPTOR_INIT;
  descriptor.usage = WGPUTextureUsage_RenderAttachment;
  descriptor.size = {1, 1, 1};
  descriptor.format = format;
  descriptor.sampleCount = samples;
  const WGPUTexture texture = functions_.DeviceCreateTexture(device_.handle(), &descriptor);
  kept_.emplace_back(Kind::texture, texture);
  const WGPUTextureView view = functions_.TextureCreateView(texture, nullptr);
  kept_.emplace_back(Kind::texture_view, view);
  return view;
}

void Rehearsal::begin_pass(const WGPURenderBundleEncoderDescriptor& descriptor) {
  std::vector<WGPURenderPassColorAttachment> colors(descriptor.colorFormatCount,
                                                    WGPU_RENDER_PASS_COLOR_ATTACHMENT_INIT);
  for (std::size_t i = 0; i < colors.size(); ++i) {
    if (descriptor.colorFormats[i] == WGPUTextureFormat_Undefined) continue;
    colors[i].view = attachment(descriptor.colorFormats[i], descriptor.sampleCount);
    colors[i].loadOp = WGPULoadOp_Clear;
    colors[i].storeOp = WGPUStoreOp_Discard;
  }
  WGPURenderPassDepthStencilAttachment depth = WGPU_RENDER_PASS_DEPTH_STENCIL_ATTACHMENT_INIT;
  WGPURenderPassDescriptor pass = WGPU_RENDER_PASS_DESCRIPTOR_INIT;
  pass.colorAttachmentCount = colors.size();
  pass.colorAttachments = colors.data();
  if (descriptor.depthStencilFormat != WGPUTextureFormat_Undefined) {
    depth.view = attachment(descriptor.depthStencilFormat, descriptor.sampleCount);
    depth.depthReadOnly = descriptor.depthReadOnly;
    depth.stencilReadOnly = descriptor.stencilReadOnly;
    depth.depthClearValue = 0;
    depth.depthLoadOp = depth.depthReadOnly ? WGPULoadOp_Undefined : WGPULoadOp_Clear;
    depth.depthStoreOp = depth.depthReadOnly ? WGPUStoreOp_Undefined : WGPUStoreOp_Discard;
    depth.stencilLoadOp = depth.stencilReadOnly ? WGPULoadOp_Undefined : WGPULoadOp_Clear;
    depth.stencilStoreOp = depth.stencilReadOnly ? WGPUStoreOp_Undefined : WGPUStoreOp_Discard;
    pass.depthStencilAttachment = &depth;
  }
  encoder_ = functions_.DeviceCreateCommandEncoder(device_.handle(), nullptr);
  pass_ = functions_.CommandEncoderBeginRenderPass(encoder_, &pass);
  const WGPUColor zero = {0, 0, 0, 0};  // as complete_begin_render_pass()
  functions_.RenderPassEncoderSetBlendConstant(pass_, &zero);
}

void Rehearsal::keep(Kind kind, void* handle) {
  if (handle == nullptr) return;
  add_handle_reference(functions_, kind, handle);
  kept_.emplace_back(kind, handle);
}

std::string Rehearsal::end() {
  device_.begin_capture();
  functions_.RenderPassEncoderEnd(pass_);
  const WGPUCommandBuffer commands = functions_.CommandEncoderFinish(encoder_, nullptr);
  if (commands != nullptr) functions_.CommandBufferRelease(commands);
  return captured(device_);
}

}  // namespace dcp::gpu
