// Lines: writeln, onreadln, die, ontimer, nextTimer of DCP's evaluator contract.
#include <sys/resource.h>
#include <unistd.h>

#include <cstdio>
#include <optional>
#include <stdexcept>
#include <vector>

#include "runtime/line_channel.hpp"
#include "sandbox/session.hpp"

namespace dcp::sandbox {

namespace {

class LineSession final : public Session {
 public:
  void install(runtime::Runtime& runtime) override {
    runtime_ = &runtime;
    runtime.add_op("writeLine", 1, write_line, this);
    runtime.add_op("exit", 1, exit, this);
  }

  void load_failed(const std::string& text) override {
    load_failure_ = text;
    runtime_->loop().stop();
  }

  void begin(int in, int out) override {
    channel_.emplace(in, out);
    for (const std::string& line : replay_) channel_->write_line(line);
    replay_.clear();
    if (!load_failure_.empty()) {
      channel_->write_line("DIE:" + load_failure_);
      exit_status_ = 1;
    }
    runtime_->loop().watch(in, [this, in] { read_lines(in); });
  }

  // DCP's own files report errors; what escapes them is worth a line in the log.
  void uncaught(const engine::Engine::ErrorText& error) override { write("LOG:Uncaught " + error_report(error)); }
  void unhandled_rejection(const engine::Engine::ErrorText& error) override {
    write("LOG:Uncaught (in promise) " + error_report(error));
  }

 private:
  void write(std::string text) {
    for (char& c : text) c = c == '\n' ? ' ' : c;
    write_or_keep(text);
  }

  void write_or_keep(const std::string& line) {
    if (!channel_) {
      replay_.push_back(line);
    } else if (!channel_->write_line(line)) {
      runtime_->loop().stop();
    }
  }

  void read_lines(int in) {
    bool open = true;
    try {
      open = channel_->receive();
    } catch (const std::length_error& error) {
      write("DIE:" + std::string(error.what()));
      exit_status_ = 1;
      return runtime_->loop().stop();
    }
    while (!runtime_->loop().stopped()) {
      const auto line = channel_->next();
      if (!line) break;
      deliver(*line);
    }
    if (open || runtime_->loop().stopped()) return;
    if (const auto line = channel_->rest()) deliver(*line);
    runtime_->loop().unwatch(in);
    runtime_->loop().stop();
  }

  void deliver(std::string_view line) {
    if (line.ends_with('\r')) line.remove_suffix(1);
    runtime_->enter([&] {
      engine::Engine& engine = runtime_->engine();
      engine::Value args[] = {engine.string(line)};
      engine.call(runtime_->hook("onLine"), engine.undefined(), args);
    });
  }

  static engine::Value write_line(engine::Engine& engine, void* context, std::span<const engine::Value> args) {
    auto& self = *static_cast<LineSession*>(context);
    self.write_or_keep(args.empty() ? "undefined" : engine.to_string(args[0]));
    if (self.channel_ && self.runtime_->loop().stopped()) engine.terminate();
    return engine.undefined();
  }

  static engine::Value exit(engine::Engine& engine, void* context, std::span<const engine::Value> args) {
    auto& self = *static_cast<LineSession*>(context);
    self.exit_status_ = args.empty() ? 0 : engine.to_int32(args[0]) & 0xff;
    self.runtime_->loop().stop();
    engine.terminate();
  }

  runtime::Runtime* runtime_ = nullptr;
  std::optional<runtime::LineChannel> channel_;
  std::vector<std::string> replay_;
  std::string load_failure_;
};

}  // namespace

std::unique_ptr<Session> make_line_session() { return std::make_unique<LineSession>(); }

}  // namespace dcp::sandbox
