#include "gpu/client_ops.hpp"

#include <algorithm>
#include <cstring>
#include <memory>
#include <vector>

#include "engine/recorder_support.hpp"
#include "gpu/client_connection.hpp"

namespace dcp::gpu {
namespace {

using engine::Engine;
using engine::Value;
using Args = std::span<const Value>;

constexpr std::size_t kScratchBytes = 4096;

struct Client {
  runtime::Runtime& runtime;
  RequestHost request_host;
  std::shared_ptr<ClientConnection> connection;
  std::vector<std::uint32_t> scratch = std::vector<std::uint32_t>(kScratchBytes / sizeof(std::uint32_t));
  double busy_before_ms = 0;  ///< of hosts that are gone
  engine::WordRing ring = {};
  ClientConnection::Usage before = {};
  bool was_connected = false;
};

/// What an ArrayBuffer over shared memory holds.
struct View {
  std::shared_ptr<ClientConnection> connection;
  std::uint64_t block;
};

void release_view(void*, std::size_t, void* opaque) {
  const std::unique_ptr<View> view(static_cast<View*>(opaque));
  view->connection->release(view->block);
}

void release_connection(void*, std::size_t, void* opaque) {
  delete static_cast<std::shared_ptr<ClientConnection>*>(opaque);
}

Client& client_of(void* context) { return *static_cast<Client*>(context); }

ClientConnection& connection_of(Engine& engine, void* context) {
  Client& client = client_of(context);
  if (!client.connection) engine.raise(engine::ErrorType::error, "no GPU host");
  return *client.connection;
}

std::uint32_t word(Engine& engine, Value value) { return static_cast<std::uint32_t>(engine.as_number(value)); }

std::uint64_t size_value(Engine& engine, Value value) {
  const double number = engine.as_number(value);
  return number >= 0 && number <= 9007199254740991.0 ? static_cast<std::uint64_t>(number) : 0;
}

Value offset_or_none(Engine& engine, const std::optional<std::uint64_t>& offset) {
  return engine.number(offset ? static_cast<double>(*offset) : -1);
}

void call_hook(Client& client, runtime::Hook hook) {
  client.runtime.enter([&] {
    Engine& engine = client.runtime.engine();
    engine.call(client.runtime.hook(hook), engine.undefined(), {});
  });
}

void drop_connection(Client& client) {
  client.busy_before_ms += client.connection->busy_ms();
  const ClientConnection::Usage usage = client.connection->usage();
  client.before.bytes_up += usage.bytes_up;
  client.before.bytes_down += usage.bytes_down;
  client.before.memory_peak = std::max(client.before.memory_peak, usage.memory_peak);
  client.runtime.loop().unwatch(client.connection->socket());
  client.runtime.loop().unwatch(client.connection->reply_event());
  client.ring.words = nullptr;
  client.runtime.loop().look(-1, nullptr);
  client.connection.reset();
}

Value connect(Engine& engine, void* context, Args) {
  Client& client = client_of(context);
  if (client.connection) return engine.null();
  std::string reason;
  const int socket = client.request_host(reason);
  if (socket < 0) return engine.string(reason.empty() ? "no GPU host" : reason);
  client.connection = ClientConnection::open(socket, reason);
  if (!client.connection) return engine.string(reason);
  client.ring.words = client.connection->commands();
  client.was_connected = true;
  client.runtime.loop().watch(client.connection->reply_event(), [&client] {
    client.connection->clear_reply_event();
    call_hook(client, runtime::Hook::on_gpu_replies);
  });
  client.runtime.loop().look(client.connection->reply_event(), [&client] {
    return client.connection->look_for_replies(client.runtime.loop().pending() > 0);
  });
  client.runtime.loop().watch(client.connection->socket(), [&client] {
    // What the host wrote before it went is still in the ring. Code that this wakes runs when all of it is told, so
    // that a new request for an adapter goes to a new host.
    client.runtime.enter([&client] {
      Engine& engine = client.runtime.engine();
      engine.call(client.runtime.hook(runtime::Hook::on_gpu_replies), engine.undefined(), {});
      drop_connection(client);
      engine.call(client.runtime.hook(runtime::Hook::on_gpu_lost), engine.undefined(), {});
    });
  });
  return engine.null();
}

Value ring_buffer(Engine& engine, const std::shared_ptr<ClientConnection>& connection, void* data, std::size_t words) {
  return engine.external_array_buffer(data, words * sizeof(std::uint32_t), release_connection,
                                      new std::shared_ptr<ClientConnection>(connection));
}

Value memory(Engine& engine, void* context, Args) {
  ClientConnection& connection = connection_of(engine, context);
  Client& client = client_of(context);
  const Value items[] = {
      ring_buffer(engine, client.connection, connection.commands(), kCommandWords),
      ring_buffer(engine, client.connection, connection.replies(), kReplyWords),
      engine.external_array_buffer(
          client.scratch.data(), kScratchBytes, [](void*, std::size_t, void*) {}, nullptr),
  };
  return engine.array(items);
}

Value cursor(Engine& engine, void* context, Args) {
  engine::WordRing& ring = client_of(context).ring;
  return engine.external_array_buffer(ring.cursor, sizeof ring.cursor, [](void*, std::size_t, void*) {}, nullptr);
}

Value recorder(Engine& engine, void* context, Args args) {
  return engine.recorder_support()->recorder(args[0], args[1], client_of(context).ring);
}

Value flush(Engine& engine, void* context, Args args) {
  if (client_of(context).connection) client_of(context).connection->flush(word(engine, args[0]));
  return engine.undefined();
}

Value commands_read(Engine& engine, void* context, Args) {
  return engine.number(connection_of(engine, context).commands_read());
}

Value wait_for_room(Engine& engine, void* context, Args args) {
  ClientConnection& connection = connection_of(engine, context);
  connection.wait_for_room(word(engine, args[0]));
  return engine.boolean(!connection.hung_up());
}

Value reply_position(Engine& engine, void* context, Args) {
  return engine.number(connection_of(engine, context).replies_written());
}

Value finish_replies(Engine& engine, void* context, Args args) {
  return engine.boolean(connection_of(engine, context).finish_replies(word(engine, args[0])));
}

Value text(Engine& engine, void* context, Args args) {
  ClientConnection& connection = connection_of(engine, context);
  const std::uint32_t at = word(engine, args[0]) % kReplyWords;
  const std::size_t bytes = std::min<std::size_t>(word(engine, args[1]), (kReplyWords - at) * sizeof(std::uint32_t));
  return engine.string({reinterpret_cast<const char*>(connection.replies() + at), bytes});
}

Value encode(Engine& engine, void* context, Args args) {
  Client& client = client_of(context);
  const std::string utf8 = engine.to_string(args[0]);
  if (utf8.size() <= kScratchBytes) {
    client.scratch[utf8.size() / sizeof(std::uint32_t) % client.scratch.size()] = 0;
    std::memcpy(client.scratch.data(), utf8.data(), utf8.size());
  } else {
    const auto bytes = std::as_bytes(std::span(utf8));
    const auto block = connection_of(engine, context).stage(bytes, word(engine, args[1]));
    if (!block) return engine.number(-1);
    client.scratch[0] = static_cast<std::uint32_t>(*block);
  }
  return engine.number(static_cast<double>(utf8.size()));
}

Value buffer_size(Engine& engine, void*, Args args) {
  const auto view = engine.buffer_view(args[0]);
  return engine.number(view ? static_cast<double>(view->size) : -1);
}

Value element_size(Engine& engine, void*, Args args) {
  const auto view = engine.buffer_view(args[0]);
  return engine.number(view ? static_cast<double>(engine::element_size(view->type)) : 1);
}

Value stage(Engine& engine, void* context, Args args) {
  ClientConnection& connection = connection_of(engine, context);
  const auto view = engine.buffer_view(args[0]);
  const std::uint64_t offset = size_value(engine, args[1]);
  const std::uint64_t size = size_value(engine, args[2]);
  if (!view || offset > view->size || size > view->size - offset) return engine.number(-1);
  return offset_or_none(engine, connection.stage({view->data + offset, size}, word(engine, args[3])));
}

Value allocate(Engine& engine, void* context, Args args) {
  ClientConnection& connection = connection_of(engine, context);
  const std::uint64_t size = size_value(engine, args[0]);
  const auto block = connection.allocate(size, word(engine, args[2]));
  if (block && engine.truthy(args[1])) std::memset(connection.heap(*block), 0, size);
  return offset_or_none(engine, block);
}

Value make_view(Engine& engine, void* context, Args args) {
  ClientConnection& connection = connection_of(engine, context);
  const std::uint64_t block = size_value(engine, args[0]);
  const std::uint64_t offset = size_value(engine, args[1]);
  const std::uint64_t size = size_value(engine, args[2]);
  if (size == 0) return engine.array_buffer(std::size_t{0});
  connection.retain(block);
  return engine.external_array_buffer(connection.heap(block + offset), size, release_view,
                                      new View{client_of(context).connection, block});
}

Value detach(Engine& engine, void*, Args args) {
  if (!engine.is_detached(args[0])) engine.detach(args[0]);
  return engine.undefined();
}

Value release(Engine& engine, void* context, Args args) {
  if (client_of(context).connection) client_of(context).connection->release(size_value(engine, args[0]));
  return engine.undefined();
}

Value release_after(Engine& engine, void* context, Args args) {
  if (client_of(context).connection) {
    client_of(context).connection->release_after(size_value(engine, args[0]), word(engine, args[1]));
  }
  return engine.undefined();
}

Value pending(Engine& engine, void* context, Args args) {
  client_of(context).runtime.loop().add_pending(static_cast<int>(engine.as_number(args[0])));
  return engine.undefined();
}

Value busy_time(Engine& engine, void* context, Args) {
  const Client& client = client_of(context);
  return engine.number(client.busy_before_ms + (client.connection ? client.connection->busy_ms() : 0));
}

/// [bytes to the GPU, bytes from it, most GPU memory since the last call with true,
/// whether GPU time is by timestamps]; null where none was used.
Value usage(Engine& engine, void* context, Args args) {
  Client& client = client_of(context);
  if (!client.was_connected) return engine.null();
  ClientConnection::Usage usage = client.connection ? client.connection->usage() : ClientConnection::Usage{};
  if (engine.truthy(args[0])) {
    client.before.memory_peak = 0;
    if (client.connection) client.connection->reset_peak();
  }
  const Value items[] = {
      engine.number(static_cast<double>(client.before.bytes_up + usage.bytes_up)),
      engine.number(static_cast<double>(client.before.bytes_down + usage.bytes_down)),
      engine.number(static_cast<double>(std::max(client.before.memory_peak, usage.memory_peak))),
      engine.boolean(client.connection && client.connection->has_timestamps()),
  };
  return engine.array(items);
}

}  // namespace

void install(runtime::Runtime& runtime, RequestHost request_host) {
  // The ops live as long as the engine, which ends with the process.
  auto* client = new Client{runtime, std::move(request_host), nullptr};
  client->ring.size = kCommandWords;
  const auto add = [&](const char* name, int length, engine::Op op) { runtime.add_op(name, length, op, client); };
  add("gpuConnect", 0, connect);
  add("gpuMemory", 0, memory);
  add("gpuCursor", 0, cursor);
  if (runtime.engine().recorder_support() != nullptr) add("gpuRecorder", 2, recorder);
  add("gpuFlush", 1, flush);
  add("gpuCommandsRead", 0, commands_read);
  add("gpuWaitForRoom", 1, wait_for_room);
  add("gpuReplyPosition", 0, reply_position);
  add("gpuFinishReplies", 1, finish_replies);
  add("gpuText", 2, text);
  add("gpuEncode", 2, encode);
  add("gpuBufferSize", 1, buffer_size);
  add("gpuElementSize", 1, element_size);
  add("gpuStage", 4, stage);
  add("gpuAllocate", 3, allocate);
  add("gpuView", 3, make_view);
  add("gpuDetach", 1, detach);
  add("gpuRelease", 1, release);
  add("gpuReleaseAfter", 2, release_after);
  add("gpuPending", 1, pending);
  add("gpuBusyTime", 0, busy_time);
  add("gpuUsage", 1, usage);
}

}  // namespace dcp::gpu
