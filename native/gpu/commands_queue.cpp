#include <algorithm>
#include <optional>
#include <unordered_set>

#include "gpu/commands.hpp"
#include "gpu/guards.hpp"
#include "gpu/server.hpp"
#include "gpu/write_in_place.hpp"

namespace dcp::gpu {
namespace {

/// Writes of more bytes than this are submitted early: the GPU copies them while more are on their way.
constexpr std::uint64_t kMostPending = 16u << 20;

/// Why a submission that uses `resource` would make wgpu-native panic; null: it would not.
const char* unusable(const Resource& resource) {
  if (resource.destroyed) return "uses a destroyed resource";
  if (const auto* buffer = dynamic_cast<const Buffer*>(&resource)) {
    const auto state = buffer->mapping.use([](const Mapping& mapping) { return mapping.state; });
    if (state != Mapping::State::unmapped) return "uses a buffer that is mapped";
  }
  for (const auto& part : resource.parts) {
    if (const char* reason = unusable(*part)) return reason;
  }
  return nullptr;
}

const char* unusable(const Object& command_buffer) {
  if (!command_buffer.valid) return "is invalid";
  for (const auto& resource : command_buffer.usage->resources) {
    if (const char* reason = unusable(*resource)) return reason;
  }
  return nullptr;
}

void submit_now(Call& call, std::vector<WGPUCommandBuffer> buffers) {
  Device& device = call.device();
  // What only writes is not worth two timestamps.
  const auto span = device.timer() != nullptr && !buffers.empty() ? device.timer()->open() : std::nullopt;
  if (span) {
    buffers.insert(buffers.begin(), span->before);
    buffers.push_back(span->after);
  }
  const WGPUSubmissionIndex index =
      call.functions().QueueSubmitForIndex(device.queue(), buffers.size(), buffers.data());
  device.writes_pending = false;
  device.bytes_pending = 0;
  call.server().attend(device.shared_poller());
  device.poller().submitted(index, span ? device.timer()->submitted(*span, !device.failure()) : std::nullopt);
}

}  // namespace

void stage_bytes(Call& call, std::uint64_t size) {
  Device& device = call.device();
  if (device.staged_bytes + size > call.server().limits().staging) {
    flush_writes(call);
    device.poller().wait_until_done();
    device.staged_bytes = 0;
  }
  device.staged_bytes += size;
  call.server().region().header().bytes_up.fetch_add(size, std::memory_order_relaxed);
}

void flush_writes(Call& call) {
  if (call.device().writes_pending) submit_now(call, {});
}

namespace {

/// wgpu-core does not look at a write of no bytes.
void guard_empty_write(Call& call, const Buffer& buffer, std::uint64_t offset) {
  if (offset % 4 != 0) call.refuse("bufferOffset is not a multiple of 4");
  if (offset > buffer.size) call.refuse("bufferOffset is outside of the buffer");
  if (const char* reason = unusable(buffer)) call.refuse(std::string("the write ") + reason);
}

}  // namespace

void write_buffer(Call& call, const command::WriteBuffer& command) {
  if (call.ready()) guard_copy_destination(call, command.buffer);
  if (call.ready() && command.size == 0) {
    guard_empty_write(call, call.buffer(command.buffer), command.offset);
    return call.end();
  }
  if (call.ready()) {
    if (write_in_place(call, call.buffer(command.buffer), command.offset, command.data, command.size)) {
      call.server().region().header().bytes_up.fetch_add(command.size, std::memory_order_relaxed);
      return call.end();
    }
    stage_bytes(call, command.size);
    call.functions().QueueWriteBuffer(command.self, command.buffer, command.offset, command.data, command.size);
    call.device().writes_pending = true;
    call.device().bytes_pending += command.size;
    if (call.device().bytes_pending > kMostPending) flush_writes(call);
  }
  call.end();
}

void submit(Call& call, const command::Submit& command) {
  std::vector<WGPUCommandBuffer> buffers;
  std::unordered_set<std::uint32_t> seen;
  for (const std::uint32_t id : command.commandBuffers) {
    const Object& object = call.server().objects().at(id);
    if (!seen.insert(id).second) call.bad_value("a command buffer twice");
    if (object.device != call.shared_device()) call.refuse("a command buffer is of another device");
    if (const char* reason = unusable(object)) call.refuse(std::string("a command buffer ") + reason);
    buffers.push_back(static_cast<WGPUCommandBuffer>(object.handle));
  }
  if (call.ready()) submit_now(call, buffers);
  call.end();
  for (const std::uint32_t id : command.commandBuffers) call.server().remove(id);
}

void on_submitted_work_done(Call& call, const command::OnSubmittedWorkDone& command) {
  Server& server = call.server();
  const auto answer = [&server, request = command.request] { server.replies().send(reply::WorkDone{request}); };
  if (!call.ready()) return answer();
  flush_writes(call);
  server.attend(call.device().shared_poller());
  call.device().poller().when_done(answer);
}

// Only marked: see the report of the code generator.
void destroy_query_set(Call& call, const command::DestroyQuerySet&) {
  if (call.self_entry().resource) call.self_entry().resource->destroyed = true;
}

}  // namespace dcp::gpu
