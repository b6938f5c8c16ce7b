// Frames: the supervisor's side of a job, or a shell (docs/protocol.md, section 1).
#include <time.h>
#include <unistd.h>

#include <deque>
#include <new>
#include <optional>
#include <stdexcept>
#include <system_error>

#include "frame_protocol.hpp"
#include "msgpack/item.hpp"
#include "runtime/frame_channel.hpp"
#include "sandbox/session.hpp"

namespace dcp::sandbox {

namespace {

using engine::Value;
using runtime::Hook;

class FrameSession final : public Session {
 public:
  explicit FrameSession(std::size_t credit) : credit_(credit) {}

  void install(runtime::Runtime& runtime) override {
    runtime_ = &runtime;
    codec_.emplace(runtime.engine());
    runtime.add_op("sendFrame", 1, send_frame, this);
    runtime.add_op("flushFrames", 0, flush_frames, this);
    runtime.add_op("awaitAnswer", 0, await_answer_op, this);
    runtime.add_op("evaluate", 3, evaluate, this);
    runtime.add_op("exit", 1, exit, this);
    runtime.add_op("isPromise", 1, is_promise, this);
    runtime.add_op("cpuTime", 0, cpu_time, this);
    runtime.add_op("takeOutOfMemory", 0, take_out_of_memory, this);
    runtime.engine().on_load_module([this](const std::string& name) { return load_module(name); });
  }

  void load_failed(const std::string& text) override { throw std::runtime_error(text); }

  void begin(int in, int) override {
    channel_.emplace(in, credit_);
    call_hook(Hook::on_start);
    runtime_->loop().watch(in, [this] { read_frames(); });
  }

  void end_turn() override {
    try {
      channel_->flush();
    } catch (const std::system_error&) {
      runtime_->loop().stop();
    }
  }

  // The supervisor tells it from the status.
  [[noreturn]] void out_of_memory() override {
    if (channel_) end_turn();
    _exit(frames::kExitOutOfMemory);
  }

  void uncaught(Value error) override { report(Hook::on_uncaught, error); }
  void unhandled_rejection(Value reason) override { report(Hook::on_unhandled_rejection, reason); }
  void idle() override { call_hook(Hook::on_idle); }

 private:
  void call_hook(Hook hook) {
    runtime_->enter([&] {
      engine::Engine& engine = runtime_->engine();
      engine.call(runtime_->hook(hook), engine.undefined(), {});
    });
  }

  // Not through Runtime::enter: it is called from there.
  void report(Hook hook, Value error) {
    engine::Engine& engine = runtime_->engine();
    const engine::Scope scope(engine);
    try {
      engine.call(runtime_->hook(hook), engine.undefined(), {&error, 1});
    } catch (const engine::Thrown&) {
      if (engine.take_out_of_memory()) out_of_memory();
      exit_status_ = 1;
      runtime_->loop().stop();
    }
  }

  void read_frames() {
    try {
      if (!channel_->receive()) return runtime_->loop().stop();
      while (!runtime_->loop().stopped()) {
        if (!postponed_.empty()) {
          const engine::Ref frame = std::move(postponed_.front());
          postponed_.pop_front();
          runtime_->enter([&] { deliver(frame.get()); });
          continue;
        }
        auto frame = channel_->next();
        if (!frame) break;
        runtime_->enter([&] { receive_frame(*frame); });
      }
    } catch (const std::exception& error) {  // the supervisor is trusted: this is a fault, not an attack
      std::fprintf(stderr, "dcp-sandbox: %s\n", error.what());
      exit_status_ = 1;
      runtime_->loop().stop();
    }
  }

  void receive_frame(runtime::FrameChannel::Received& received) {
    engine::Ref frame;
    std::string failure;
    try {
      const engine::Scope scope(runtime_->engine());
      frame = engine::Ref(runtime_->engine(), codec_->decode(received.payload, received.descriptors));
      received.descriptors.clear();  // before the guest runs, which may need as many
    } catch (const engine::Thrown& thrown) {
      if (thrown.terminated) throw;
      failure = "out of memory";
    } catch (const std::bad_alloc&) {
      failure = "out of memory";
    } catch (const std::system_error& error) {
      failure = error.what();
    }
    if (frame) return deliver(frame.get());
    report_undecodable(received.payload, failure);
  }

  // What a frame brings does not fit into this sandbox: the guest hears of it in the frame's turn.
  void report_undecodable(std::span<const std::byte> payload, const std::string& failure) {
    engine::Engine& engine = runtime_->engine();
    msgpack::Reader reader(payload);
    std::vector<Value> head;
    for (std::size_t left = reader.next().size; left > 0 && head.size() < 2; --left) {
      const msgpack::Item item = reader.next();
      if (item.type != msgpack::Type::integer) break;
      head.push_back(engine.number(static_cast<double>(item.integer)));
    }
    if (runtime_->mode() != runtime::Mode::job) throw std::runtime_error(failure);
    Value args[] = {engine.array(head), engine.string(failure)};
    engine.call(runtime_->hook(Hook::on_undecodable), engine.undefined(), args);
  }

  void deliver(Value frame) {
    engine::Engine& engine = runtime_->engine();
    engine.call(runtime_->hook(Hook::on_frame), engine.undefined(), {&frame, 1});
  }

  // Waits for the answer to a question that has no time for a promise: a module's source. Other frames wait their turn.
  Value await_answer() {
    engine::Engine& engine = runtime_->engine();
    channel_->flush();
    for (;;) {
      while (auto received = channel_->next()) {
        const Value frame = codec_->decode(received->payload, received->descriptors);
        if (engine.as_number(engine.get(frame, std::uint32_t{0})) == frames::kModuleSource) return frame;
        postponed_.emplace_back(engine, frame);
      }
      if (!channel_->receive()) engine.terminate();
    }
  }

  std::optional<std::string> load_module(const std::string& name) {
    engine::Engine& engine = runtime_->engine();
    const engine::Scope scope(engine);
    Value args[] = {engine.string(name)};
    const Value source = engine.call(runtime_->hook(Hook::load_module), engine.undefined(), args);
    if (engine.kind(source) != engine::Kind::string) return std::nullopt;
    return engine.to_string(source);
  }

  static Value send_frame(engine::Engine& engine, void* context, std::span<const Value> args) {
    auto& self = *static_cast<FrameSession*>(context);
    if (!self.channel_) engine.raise(engine::ErrorType::error, "no peer yet");
    try {
      self.channel_->send(self.codec_->encode(args[0]));
    } catch (const std::system_error& error) {
      if (error.code().value() != EPIPE && error.code().value() != ECONNRESET) {
        engine.raise(engine::ErrorType::range_error,
                     std::string("the value is too large to leave the sandbox: ") + error.what());
      }
      self.runtime_->loop().stop();
      engine.terminate();
    }
    return engine.undefined();
  }

  static Value flush_frames(engine::Engine& engine, void* context, std::span<const Value>) {
    static_cast<FrameSession*>(context)->end_turn();
    return engine.undefined();
  }

  static Value await_answer_op(engine::Engine&, void* context, std::span<const Value>) {
    return static_cast<FrameSession*>(context)->await_answer();
  }

  static Value evaluate(engine::Engine& engine, void*, std::span<const Value> args) {
    const auto kind = engine.to_string(args[2]) == "module" ? engine::ScriptKind::module : engine::ScriptKind::classic;
    return engine.evaluate(engine.to_string(args[0]), engine.to_string(args[1]), kind);
  }

  static Value exit(engine::Engine& engine, void* context, std::span<const Value> args) {
    auto& self = *static_cast<FrameSession*>(context);
    self.exit_status_ = engine.to_int32(args[0]);
    self.end_turn();
    self.runtime_->loop().stop();
    engine.terminate();
  }

  static Value is_promise(engine::Engine& engine, void*, std::span<const Value> args) {
    return engine.boolean(engine.promise_state(args[0]) != engine::PromiseState::not_a_promise);
  }

  /// Whether memory has run out since the last call.
  static Value take_out_of_memory(engine::Engine& engine, void*, std::span<const Value>) {
    return engine.boolean(engine.take_out_of_memory());
  }

  /// Milliseconds of CPU that this process has used.
  static Value cpu_time(engine::Engine& engine, void*, std::span<const Value>) {
    timespec used;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    return engine.number(static_cast<double>(used.tv_sec) * 1e3 + static_cast<double>(used.tv_nsec) / 1e6);
  }

  std::size_t credit_;
  runtime::Runtime* runtime_ = nullptr;
  std::optional<runtime::ValueCodec> codec_;
  std::optional<runtime::FrameChannel> channel_;
  std::deque<engine::Ref> postponed_;
};

}  // namespace

std::unique_ptr<Session> make_frame_session(std::size_t credit) { return std::make_unique<FrameSession>(credit); }

}  // namespace dcp::sandbox
