#include <charconv>
#include <string>
#include <string_view>

#include "gpu/commands.hpp"
#include "gpu/compilation_info.hpp"
#include "gpu/guards.hpp"
#include "gpu/server.hpp"

namespace dcp::gpu {

void create_shader_module(Call& call, const command::CreateShaderModule& command) {
  WGPUShaderModuleDescriptor descriptor = WGPU_SHADER_MODULE_DESCRIPTOR_INIT;
  descriptor.label = command.label;
  WGPUShaderSourceWGSL source = WGPU_SHADER_SOURCE_WGSL_INIT;
  source.code = command.code;
  descriptor.nextInChain = &source.chain;
  if (call.ready()) call.produce(call.functions().DeviceCreateShaderModule(command.self, &descriptor));
  call.end();
  if (call.ready() && call.device().failure()) {
    call.made()->messages.push_back(parse_message(call.device().failure()->message, view(source.code)));
  }
}

void get_compilation_info(Call& call, const command::GetCompilationInfo& command) {
  call.server().replies().send(reply::CompilationInfo{command.request, call.self_entry().messages});
}

namespace {

void no_guard(Call&, const WGPUComputePipelineDescriptor*) {}

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
  create_async(call, command, no_guard, call.functions().DeviceCreateComputePipeline);
}

void create_render_pipeline_async(Call& call, const command::CreateRenderPipelineAsync& command) {
  create_async(call, command, guard_create_render_pipeline, call.functions().DeviceCreateRenderPipeline);
}

}  // namespace dcp::gpu
