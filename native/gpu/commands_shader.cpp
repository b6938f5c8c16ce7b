#include <charconv>
#include <string>
#include <string_view>

#include "gpu/commands.hpp"
#include "gpu/compilation_info.hpp"
#include "gpu/guards.hpp"
#include "gpu/server.hpp"

namespace dcp::gpu {

// device, module id, label, code
void create_shader_module(Call& call) {
  auto* device = static_cast<WGPUDevice>(call.self(Kind::device));
  call.result(Kind::shader_module);
  WGPUShaderModuleDescriptor descriptor = WGPU_SHADER_MODULE_DESCRIPTOR_INIT;
  descriptor.label = call.string();
  WGPUShaderSourceWGSL source = WGPU_SHADER_SOURCE_WGSL_INIT;
  source.code = call.string();
  descriptor.nextInChain = &source.chain;
  call.finish();
  if (call.ready()) call.produce(call.functions().DeviceCreateShaderModule(device, &descriptor));
  call.end();
  if (call.ready() && call.device().failure()) {
    call.made()->messages.push_back(parse_message(call.device().failure()->message, view(source.code)));
  }
}

// module, request -> [request, count, {type, line, column, offset, length, text}...]
void get_compilation_info(Call& call) {
  call.self(Kind::shader_module);
  const std::uint32_t request = call.u32();
  call.finish();
  Reply reply(ReplyType::compilationInfo);
  const auto& messages = call.self_entry().messages;
  reply.u32(request).u32(static_cast<std::uint32_t>(messages.size()));
  for (const CompilationMessage& message : messages) {
    reply.u64(message.line).u64(message.column).u64(message.offset).u64(message.length).text(message.text);
  }
  call.server().replies().send(std::move(reply));
}

namespace {

void no_guard(Call&, const WGPUComputePipelineDescriptor*) {}

template <typename Descriptor, typename Create>
void create_async(Call& call, Kind kind, void (*read)(Call&, Descriptor&), void (*guard)(Call&, const Descriptor*),
                  Create create) {
  auto* device = static_cast<WGPUDevice>(call.self(Kind::device));
  call.result(kind);
  const std::uint32_t request = call.u32();
  Descriptor descriptor;
  read(call, descriptor);
  call.finish();
  // Its errors reach the promise, not the error scopes.
  call.device().begin_capture();
  if (call.ready()) guard(call, &descriptor);
  if (call.ready()) call.produce(create(device, &descriptor));
  call.end();
  const std::optional<DeviceError> error = call.device().end_capture();
  const std::uint32_t status = !error ? 0 : error->type == WGPUErrorType_Validation ? 1 : 2;
  call.server().replies().send(
      std::move(Reply(ReplyType::pipeline).u32(request).u32(status).text(error ? error->message : "")));
}

}  // namespace

// device, pipeline id, request, descriptor -> [request, 0 made | 1 validation | 2 internal, message]
void create_compute_pipeline_async(Call& call) {
  create_async(call, Kind::compute_pipeline, read_GPUComputePipelineDescriptor, no_guard,
               call.functions().DeviceCreateComputePipeline);
}

// as above
void create_render_pipeline_async(Call& call) {
  create_async(call, Kind::render_pipeline, read_GPURenderPipelineDescriptor, guard_create_render_pipeline,
               call.functions().DeviceCreateRenderPipeline);
}

}  // namespace dcp::gpu
