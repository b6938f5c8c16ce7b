#include <algorithm>
#include <optional>
#include <unordered_set>

#include "gpu/commands.hpp"
#include "gpu/server.hpp"

namespace dcp::gpu {
namespace {

/// Writes of more bytes than this are submitted early: the GPU copies them while more are on their way.
constexpr std::uint64_t kMostPending = 16u << 20;

/// Why a submission that uses `resource` would make wgpu-native panic; null: it would not.
const char* unusable(const Resource& resource) {
  if (resource.destroyed) return "uses a destroyed resource";
  if (const auto* buffer = dynamic_cast<const Buffer*>(&resource)) {
    if (buffer->state != Buffer::State::unmapped) return "uses a buffer that is mapped";
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

// queue, buffer, offset in it, heap offset, size in bytes
void write_buffer(Call& call) {
  auto* queue = static_cast<WGPUQueue>(call.self(Kind::queue));
  auto* buffer = static_cast<WGPUBuffer>(call.object(Kind::buffer));
  const std::uint64_t offset = call.u64();
  const std::uint64_t heap_offset = call.u64();
  const std::uint64_t size = call.u64();
  const std::byte* data = call.heap(heap_offset, size);
  call.finish();
  if (call.ready()) {
    stage_bytes(call, size);
    call.functions().QueueWriteBuffer(queue, buffer, offset, data, size);
    call.device().writes_pending = true;
    call.device().bytes_pending += size;
    if (call.device().bytes_pending > kMostPending) flush_writes(call);
  }
  call.end();
}

// queue, command buffers: they are used up
void submit(Call& call) {
  call.self(Kind::queue);
  std::vector<std::uint32_t> ids(call.count());
  std::vector<WGPUCommandBuffer> buffers;
  std::unordered_set<std::uint32_t> seen;
  {
    const std::lock_guard lock(call.server().map_mutex);
    for (std::uint32_t& id : ids) {
      id = call.peek();
      const Object& object = call.object_entry(Kind::command_buffer);
      if (!seen.insert(id).second) call.bad_value("a command buffer twice");
      if (object.device != call.shared_device()) call.refuse("a command buffer is of another device");
      if (const char* reason = unusable(object)) call.refuse(std::string("a command buffer ") + reason);
      buffers.push_back(static_cast<WGPUCommandBuffer>(object.handle));
    }
  }
  call.finish();
  if (call.ready()) submit_now(call, buffers);
  call.end();
  for (const std::uint32_t id : ids) call.server().remove(id);
}

// queue, request -> [request]
void on_submitted_work_done(Call& call) {
  call.self(Kind::queue);
  const std::uint32_t request = call.u32();
  call.finish();
  Server& server = call.server();
  const auto answer = [&server, request] { server.replies().send(std::move(Reply(ReplyType::workDone).u32(request))); };
  if (!call.ready()) return answer();
  flush_writes(call);
  call.device().poller().when_done(answer);
}

// query set: only marked, see the report of the code generator
void destroy_query_set(Call& call) {
  call.self(Kind::query_set);
  call.finish();
  if (call.self_entry().resource) call.self_entry().resource->destroyed = true;
}

// compute pass, render pass or render bundle, offset, size in bytes, data
void set_immediates(Call& call) {
  const auto found = call.server().objects().find(call.peek());
  const Kind kind = found == call.server().objects().end() ? Kind::none : found->second.kind;
  void* self = call.self(kind);
  const std::uint32_t offset = call.u32();
  const std::uint32_t size = call.u32();
  const std::uint32_t words = size / 4 + (size % 4 != 0);
  auto* data = call.make<std::uint32_t>(std::min(words, kLargestCommand));
  for (std::uint32_t i = 0; i < words; ++i) data[i] = call.u32();
  call.finish();
  if (offset % 4 != 0) call.refuse("rangeOffset is not a multiple of 4");
  const Functions& f = call.functions();
  if (kind == Kind::compute_pass_encoder) {
    if (call.ready()) f.ComputePassEncoderSetImmediates(static_cast<WGPUComputePassEncoder>(self), offset, data, size);
  } else if (kind == Kind::render_pass_encoder) {
    if (call.ready()) f.RenderPassEncoderSetImmediates(static_cast<WGPURenderPassEncoder>(self), offset, data, size);
  } else if (kind == Kind::render_bundle_encoder) {
    if (call.ready()) {
      f.RenderPassEncoderSetImmediates(call.rehearsal(), offset, data, size);
      f.RenderBundleEncoderSetImmediates(static_cast<WGPURenderBundleEncoder>(self), offset, data, size);
    }
  } else {
    call.bad_value("immediates of no encoder");
  }
  call.end();
}

}  // namespace dcp::gpu
