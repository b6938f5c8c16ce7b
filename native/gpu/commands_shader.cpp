#include <charconv>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "gpu/commands.hpp"
#include "gpu/compilation_info.hpp"
#include "gpu/guards.hpp"
#include "gpu/server.hpp"
#include "gpu/shader_depth.hpp"
#include "gpu/workgroup_memory.hpp"

namespace dcp::gpu {

namespace {

WGPUShaderModule compile(Call& call, const command::CreateShaderModule& command, std::string_view code) {
  WGPUShaderModuleDescriptor descriptor = WGPU_SHADER_MODULE_DESCRIPTOR_INIT;
  descriptor.label = command.label;
  WGPUShaderSourceWGSL source = WGPU_SHADER_SOURCE_WGSL_INIT;
  source.code = {code.data(), code.size()};
  descriptor.nextInChain = &source.chain;
  return call.functions().DeviceCreateShaderModule(command.self, &descriptor);
}

void release(Call& call, WGPUShaderModule module) {
  if (module != nullptr) call.functions().ShaderModuleRelease(module);
}

/// What is compiled first, and kept, sets the memory of workgroups to zero. Where that fails the program's own text is
/// compiled as well, but only for its errors.
WGPUShaderModule compile_zeroing(Call& call, const command::CreateShaderModule& command, ShaderModule& made) {
  WGPULimits limits = WGPU_LIMITS_INIT;
  call.functions().DeviceGetLimits(command.self, &limits);
  ZeroingShader shader = zero_workgroup_memory(view(command.code), limits.maxComputeWorkgroupStorageSize);
  Device& device = call.device();
  if (shader.refusal.empty()) {
    device.begin_capture();
    const WGPUShaderModule module = compile(call, command, shader.code);
    const std::optional<DeviceError> error = device.end_capture();
    device.begin_call();
    if (!error) {
      device.checks_workgroup_storage |= shader.checks_size;
      made.too_large = std::move(shader.too_large);
      return module;
    }
    release(call, module);
    shader.refusal = error->message;
  }
  const WGPUShaderModule module = compile(call, command, view(command.code));
  if (device.failure()) return module;
  release(call, module);
  call.refuse("its workgroup variables cannot be set to zero: " + shader.refusal);
  return nullptr;
}

}  // namespace

void create_shader_module(Call& call, const command::CreateShaderModule& command) {
  const std::string_view code = view(command.code);
  const auto made = std::make_shared<ShaderModule>();
  made->code = code;
  call.set_resource(made);
  WGPUShaderModule module = nullptr;
  if (call.ready()) {
    if (std::string reason = too_deep(code); !reason.empty()) call.refuse(std::move(reason));
  }
  if (call.ready()) {
    module = mentions_workgroup_variables(code) ? compile_zeroing(call, command, *made) : compile(call, command, code);
  }
  if (call.ready()) call.produce(module);
  call.end();
  if (call.device().failure()) {
    call.made()->messages.push_back(parse_message(call.device().failure()->message, code));
  }
}

void get_compilation_info(Call& call, const command::GetCompilationInfo& command) {
  call.server().replies().send(reply::CompilationInfo{command.request, call.self_entry().messages});
}

namespace {

/// Its errors reach the promise, not the error scopes.
template <typename Command, typename Guard, typename Create>
void create_async(Call& call, const Command& command, Guard guard, Create create) {
  call.device().begin_capture();
  if (call.ready()) guard(call, &command.descriptor);
  if (call.ready()) call.produce(create(command.self, &command.descriptor));
  call.end();
  const std::optional<DeviceError> error = call.device().end_capture();
  reply::Pipeline reply{command.request, PipelineStatus::made, {}};
  if (error) {
    const bool validation = error->type == WGPUErrorType_Validation;
    reply.status = validation ? PipelineStatus::validation : PipelineStatus::internal;
    reply.message = error->message;
  }
  call.server().replies().send(reply);
}

}  // namespace

void create_compute_pipeline_async(Call& call, const command::CreateComputePipelineAsync& command) {
  create_async(call, command, guard_create_compute_pipeline, call.functions().DeviceCreateComputePipeline);
}

void create_render_pipeline_async(Call& call, const command::CreateRenderPipelineAsync& command) {
  create_async(call, command, guard_create_render_pipeline, call.functions().DeviceCreateRenderPipeline);
}

}  // namespace dcp::gpu
