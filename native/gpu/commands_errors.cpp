#include "gpu/commands.hpp"
#include "gpu/server.hpp"

namespace dcp::gpu {
namespace {

constexpr WGPUErrorFilter kFilters[] = {WGPUErrorFilter_Validation, WGPUErrorFilter_OutOfMemory,
                                        WGPUErrorFilter_Internal};
constexpr WGPUErrorType kErrors[] = {WGPUErrorType_Validation, WGPUErrorType_OutOfMemory, WGPUErrorType_Internal};
enum ScopeStatus { nothing_caught, caught, no_scope };

}  // namespace

// device, filter
void push_error_scope(Call& call) {
  call.self(Kind::device);
  const WGPUErrorFilter filter = call.enumerated(kFilters, WGPUErrorFilter_Force32);
  call.finish();
  call.device().push_scope(filter);
}

// device, request -> [request, status, type, message]
void pop_error_scope(Call& call) {
  call.self(Kind::device);
  const std::uint32_t request = call.u32();
  call.finish();
  std::optional<DeviceError> error;
  const bool popped = call.device().pop_scope(error);
  Reply reply(ReplyType::errorScope);
  reply.u32(request).u32(!popped ? no_scope : error ? caught : nothing_caught);
  reply.u32(error ? error->type : 0).text(error ? error->message : "");
  call.server().replies().send(std::move(reply));
}

// device, 0 validation | 1 out of memory | 2 internal, message: an error that the sandbox found itself
void inject_error(Call& call) {
  call.self(Kind::device);
  const WGPUErrorType type = call.enumerated(kErrors, WGPUErrorType_Force32);
  const WGPUStringView message = call.string();
  call.finish();
  if (call.ready()) call.device().report(type, std::string(view(message)));
}

// device, id, kind: an object whose creation failed in the sandbox
void create_invalid(Call& call) {
  call.self(Kind::device);
  const std::uint32_t id = call.u32();
  const std::uint32_t kind = call.u32();
  call.finish();
  if (id == 0 || kind == 0 || kind >= kKindCount || static_cast<Kind>(kind) == Kind::device) call.bad_value("kind");
  Object made{static_cast<Kind>(kind), nullptr, false, call.shared_device(), nullptr, nullptr, {}};
  made.usage = std::make_shared<Usage>();
  call.server().add(id, std::move(made));
}

// ids: the sandbox has forgotten the objects (they may have been used up before)
void release(Call& call) {
  std::vector<std::uint32_t> ids(call.count());
  for (std::uint32_t& id : ids) id = call.u32();
  call.finish();
  for (const std::uint32_t id : ids) call.server().remove(id);
}

// request -> [request], behind the errors of all commands before
void ping(Call& call) {
  const std::uint32_t request = call.u32();
  call.finish();
  call.server().replies().send(std::move(Reply(ReplyType::workDone).u32(request)));
}

}  // namespace dcp::gpu
