// Lines: writeln, onreadln, die, ontimer, nextTimer of DCP's evaluator contract.
#include <cstdio>
#include <memory>
#include <optional>
#include <stdexcept>
#include <utility>
#include <vector>

#include "frame_protocol.hpp"
#include "runtime/line_channel.hpp"
#include "runtime/utf8_stream.hpp"
#include "sandbox/first_line.hpp"
#include "sandbox/session.hpp"

namespace dcp::sandbox {

namespace {

constexpr const char* kOtherProtocol = "this connection does not speak lines, but HTTP, TLS or another protocol";

class LineSession final : public Session {
 public:
  void install(runtime::Runtime& runtime) override {
    runtime_ = &runtime;
    runtime.add_op("writeLine", 1, write_line, this);
    runtime.add_op("exit", 1, exit, this);
  }

  // Told here once, for whoever starts the evaluator, and to each peer that connects.
  void load_failed(const std::string& text) override {
    std::fprintf(stderr, "dcp-evaluator: %s\n", text.c_str());
    load_failure_ = text;
    runtime_->loop().stop();
  }

  void begin(int in, int out) override {
    channel_.emplace(in, out);
    for (const std::string& line : replay_) channel_->write_line(line);
    replay_.clear();
    if (!load_failure_.empty()) fail(load_failure_);
    if (channel_->is_tcp()) first_line_.emplace();
    runtime_->loop().watch(in, [this, in] { on_input(in); });
  }

  void end() override { channel_->drain(); }

  [[noreturn]] void out_of_memory() override {
    if (channel_) {
      (void)channel_->write_line("DIE: out of memory");
      channel_->drain();
    }
    _exit(frames::kExitOutOfMemory);
  }

  // DCP's own files report errors; what escapes them is worth a line in the log.
  void uncaught(engine::Value error) override { write("LOG:Uncaught " + report_of(error)); }
  void unhandled_rejection(engine::Value reason) override { write("LOG:Uncaught (in promise) " + report_of(reason)); }

 private:
  std::string report_of(engine::Value error) { return error_report(runtime_->engine().describe_error(error)); }

  // Newlines as DCP's own files write them in a LOG line.
  void write(const std::string& text) {
    std::string line;
    for (const char c : text) c == '\n' ? line += "\u2424" : line += c;
    write_or_keep(line);
  }

  void write_or_keep(const std::string& line) {
    if (!channel_) {
      replay_.push_back(line);
    } else if (!channel_->write_line(line)) {
      runtime_->loop().stop();
    }
  }

  void fail(const std::string& text, int status = 1) {
    write("DIE: " + text);
    exit_status_ = status;
    runtime_->loop().stop();
  }

  bool is_another_protocol(bool open) {
    return first_line_ && !(first_line_->add(channel_->received()) && (open || first_line_->finish()));
  }

  // One line a turn of the event loop, so that timers get theirs in between.
  void on_input(int in) {
    bool open = true;
    try {
      if (!line_) {
        open = channel_->receive();
        if (is_another_protocol(open)) return fail(kOtherProtocol, frames::kExitOtherProtocol);
        line_ = open ? next_line() : channel_->rest();
      }
      if (line_) deliver(line_->bytes);
      line_ = next_line();
    } catch (const std::length_error& error) {
      return fail(error.what());
    } catch (const engine::Thrown&) {
      return fail("no memory for a line that long");
    }
    if (line_) runtime_->loop().again(in);
    if (!open) runtime_->loop().stop();
  }

  // The end of the next line that has come. The parts of a long one are put together as they come.
  std::optional<runtime::LineChannel::Part> next_line() {
    auto part = channel_->next();
    for (; part && !part->ends; part = channel_->next()) {
      if (!long_line_) long_line_ = runtime_->engine().string_builder();
      long_line_->add(part->bytes);
    }
    return part;
  }

  void deliver(std::string_view end) {
    if (long_line_) long_line_->add(end);
    runtime_->enter([&] {
      engine::Engine& engine = runtime_->engine();
      const auto long_line = std::exchange(long_line_, nullptr);
      engine::Value args[] = {long_line ? long_line->finish() : engine.string(end)};
      engine.call(runtime_->hook(runtime::Hook::on_line), engine.undefined(), args);
    });
  }

  static engine::Value write_line(engine::Engine& engine, void* context, std::span<const engine::Value> args) {
    auto& self = *static_cast<LineSession*>(context);
    if (!self.channel_) {
      self.replay_.push_back(engine.to_string(args[0]));
    } else if (!self.write_string(args[0])) {
      self.runtime_->loop().stop();
      engine.terminate();
    }
    return engine.undefined();
  }

  bool write_string(engine::Value string) {
    runtime::Utf8Stream line([this](std::string_view bytes) { return channel_->write(bytes); });
    runtime_->engine().for_each_stretch(string, [&](engine::StringUnits units) { return line.add(units); });
    return line.add("\n") && line.finish();
  }

  static engine::Value exit(engine::Engine& engine, void* context, std::span<const engine::Value> args) {
    auto& self = *static_cast<LineSession*>(context);
    self.exit_status_ = args.empty() ? 0 : engine.to_int32(args[0]) & 0xff;
    self.runtime_->loop().stop();
    engine.terminate();
  }

  runtime::Runtime* runtime_ = nullptr;
  std::optional<runtime::LineChannel> channel_;
  std::optional<FirstLine> first_line_;               ///< of a peer on the network
  std::optional<runtime::LineChannel::Part> line_;    ///< the end of the next one to deliver
  std::unique_ptr<engine::StringBuilder> long_line_;  ///< what is before that, if it is long
  std::vector<std::string> replay_;
  std::string load_failure_;
};

}  // namespace

std::unique_ptr<Session> make_line_session() { return std::make_unique<LineSession>(); }

}  // namespace dcp::sandbox
