#include "gpu/commands.hpp"
#include "gpu/server.hpp"

namespace dcp::gpu {
namespace {

WGPUErrorType error_type(WGPUErrorFilter filter) {
  if (filter == WGPUErrorFilter_Validation) return WGPUErrorType_Validation;
  return filter == WGPUErrorFilter_OutOfMemory ? WGPUErrorType_OutOfMemory : WGPUErrorType_Internal;
}

}  // namespace

void push_error_scope(Call& call, const command::PushErrorScope& command) { call.device().push_scope(command.filter); }

void pop_error_scope(Call& call, const command::PopErrorScope& command) {
  std::optional<DeviceError> error;
  reply::ErrorScope reply{command.request, ScopeStatus::empty, WGPUErrorFilter_Validation, {}};
  if (call.device().pop_scope(error)) reply.status = error ? ScopeStatus::caught : ScopeStatus::nothing;
  if (error) {
    reply.filter = filter_of(error->type);
    reply.message = std::move(error->message);
  }
  call.server().replies().send(reply);
}

void inject_error(Call& call, const command::InjectError& command) {
  if (call.ready()) call.device().report(error_type(command.filter), std::string(view(command.message)));
}

void create_invalid(Call& call, const command::CreateInvalid& command) {
  if (command.id == 0 || command.kind == Kind::device) call.bad_value("kind");
  Object made{command.kind, nullptr, false, call.shared_device(), nullptr, nullptr, {}};
  made.usage = std::make_shared<Usage>();
  call.server().add(command.id, std::move(made));
}

void release(Call& call, const command::Release& command) {
  for (const std::uint32_t id : command.ids) call.server().remove(id);
}

void ping(Call& call, const command::Ping& command) { call.server().replies().send(reply::WorkDone{command.request}); }

}  // namespace dcp::gpu
