#include "sandbox/sandbox.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <map>
#include <memory>
#include <new>
#include <stdexcept>

#include "frame_protocol.hpp"
#include "gpu/client_ops.hpp"
#include "ipc/descriptor.hpp"
#include "ipc/packet.hpp"
#include "runtime/web_ops.hpp"
#include "sandbox/file.hpp"

namespace dcp::sandbox {

namespace {

constexpr std::size_t kLongestAnswer = 512;
constexpr std::size_t kReserve = std::size_t{256} << 10;  // for the last words of a sandbox without memory

/// The error of a start-up file, as compilers put it: "FILE:LINE:COLUMN: Name: message", then the calls that led there.
std::string load_error(const std::string& path, engine::Engine::ErrorText error) {
  const std::size_t at = error.stack.find(path + ":");
  const std::size_t end = error.stack.find_first_not_of("0123456789:", at == std::string::npos ? 0 : at + path.size());
  const std::string place = at == std::string::npos ? path : error.stack.substr(at, end - at);
  if (error.stack.find("\n    at ") == std::string::npos) error.stack.clear();  // it has the place alone
  return place + ": " + error_report(error);
}

}  // namespace

std::string error_report(const engine::Engine::ErrorText& error) {
  std::string text = error.name;
  if (!error.message.empty()) text += (text.empty() ? "" : ": ") + error.message;
  if (!error.stack.empty()) text += "\n" + error.stack;
  while (text.ends_with('\n')) text.pop_back();
  return text;
}

Sandbox::Sandbox(const Options& options, const Backend& backend) : options_(options) {
  engine_ = backend.make_engine({options.memory_limit, options.stack_limit});
  scripts_ = std::make_unique<runtime::ScriptCache>(*engine_, options.cache, options.cache_limit);
  runtime_ = std::make_unique<runtime::Runtime>(*engine_, options.mode);
  const std::size_t credit = options.memory_limit == 0 ? frames::kLargestPayload : options.memory_limit;
  session_ = options.mode == runtime::Mode::line ? make_line_session() : make_frame_session(credit);
  runtime_->clock_step_us = options.clock_step_us;
  runtime::install_web_ops(*runtime_);
  if (backend.install_webassembly != nullptr) webassembly_ = &backend.install_webassembly(*runtime_, options);
  gpu::install(*runtime_, [this](std::string& reason) { return ask_service('G', reason); });
  session_->install(*runtime_);
  template_ = std::make_unique<Template>(*runtime_, *scripts_);
  runtime_->add_op("tellOfPython", 0, tell_of_python, this);
  engine_->on_out_of_memory([this] { session_->out_of_memory(); });
  runtime_->report_uncaught = [this](engine::Thrown& thrown) {
    if (thrown.terminated) return;
    const engine::Scope scope(*engine_);
    session_->uncaught(thrown.value.get());
  };
  rejections_ = std::make_unique<Rejections>(*engine_);
  try {
    runtime_->load(*scripts_);
  } catch (const engine::Thrown& thrown) {
    const engine::Scope scope(*engine_);
    throw std::runtime_error("the runtime does not load: " + error_report(engine_->describe_error(thrown.value.get())));
  }
}

Sandbox::~Sandbox() = default;

void Sandbox::load(const std::function<int(std::string& reason)>& connect) {
  load_files();
  if (!options_.template_description.empty() && !runtime_->loop().stopped()) load_template(connect);
  scripts_->keep_fresh();
  engine_->collect_garbage();
  call_runtime(runtime::Hook::pause_clock);
  engine_->before_fork();
}

void Sandbox::call_runtime(runtime::Hook hook) {
  const engine::Scope scope(*engine_);
  engine_->call(runtime_->hook(hook), engine_->undefined(), {});
}

void Sandbox::load_files() {
  if (!options_.files.empty() && !scripts_->refusal().empty()) {
    std::fprintf(stderr, "dcp-evaluator: compiled start-up files are not kept: %s\n", scripts_->refusal().c_str());
  }
  for (const std::string& path : options_.files) {
    if (runtime_->loop().stopped()) return;
    const engine::Scope scope(*engine_);
    try {
      const std::string_view source = read_file(path, sources_.emplace_back());
      engine_->run(scripts_->compile(source, path));
    } catch (const engine::Thrown& thrown) {
      if (thrown.terminated) return;
      session_->load_failed(load_error(path, engine_->describe_error(thrown.value.get())));
    }
    runtime_->run_microtasks();
    rejections_->report(*session_);
  }
}

void Sandbox::load_template(const std::function<int(std::string& reason)>& connect) {
  if (webassembly_) webassembly_->use_compiler(connect);
  template_->load(options_.template_description, [this] {
    runtime_->run_microtasks();
    rejections_->report(*session_);
    if (webassembly_) webassembly_->begin_turn();
  });
  // Closes the connection: its number would be another descriptor's in a sandbox.
  if (webassembly_) webassembly_->use_compiler([](std::string&) { return -1; });
}

int Sandbox::serve(const Channels& channels) {
  auto reserve = std::make_unique_for_overwrite<char[]>(kReserve);
  try {
    return run(channels);
  } catch (const std::bad_alloc&) {
    reserve.reset();
    session_->out_of_memory();
    return frames::kExitOutOfMemory;
  }
}

int Sandbox::run(const Channels& channels) {
  engine_->after_fork();
  call_runtime(runtime::Hook::resume_clock);
  service_socket_ = channels.service_socket;
  if (webassembly_) {
    webassembly_->use_compiler([this](std::string& reason) { return ask_service('C', reason); });
    webassembly_->on_out_of_memory([this] { session_->out_of_memory(); });
  }
  const bool loaded = !runtime_->loop().stopped();
  session_->begin(channels.in, channels.out);
  const auto between = [&] {
    runtime_->run_microtasks();
    rejections_->report(*session_);
    if (webassembly_) webassembly_->begin_turn();
    if (options_.mode == runtime::Mode::line) end_when_full();
  };
  if (loaded) between();
  while (!runtime_->loop().stopped()) {
    const auto task = engine_->next_task();
    if (!task && !runtime_->loop().has_timer() && runtime_->loop().pending() == 0) session_->idle();
    session_->end_turn();
    if (runtime_->loop().stopped()) break;
    runtime_->loop().wake_at(task);
    runtime_->loop().run_once(between);
  }
  session_->end_turn();
  session_->end();
  return session_->exit_status();
}

// A program of lines that has used up its memory, and keeps it, can take no more. A job takes no slice after such a
// one.
void Sandbox::end_when_full() {
  if (!engine_->take_out_of_memory()) return;
  if (!std::exchange(shortage_is_told_, true)) (void)ipc::send_packet(service_socket_, "M");
  webassembly_ ? webassembly_->free_memory() : engine_->collect_garbage();
  if (engine_->is_full()) session_->out_of_memory();
}

// docs/protocol.md, section 3.
engine::Value Sandbox::tell_of_python(engine::Engine& engine, void* context, std::span<const engine::Value>) {
  (void)ipc::send_packet(static_cast<Sandbox*>(context)->service_socket_, "P");
  return engine.undefined();
}

int Sandbox::ask_service(char what, std::string& reason) {
  ipc::Packet answer;
  const bool asked = ipc::send_packet(service_socket_, std::string_view(&what, 1));
  if (asked && ipc::receive_packet(service_socket_, answer, kLongestAnswer) == ipc::Received::packet) {
    if (answer.bytes == std::string_view(&what, 1) && answer.descriptors.size() == 1) {
      return answer.descriptors[0].release();
    }
    if (answer.bytes.size() > 1 && answer.bytes[0] == 'N') {
      reason = answer.bytes.substr(1);
      return -1;
    }
  }
  reason = "the evaluator does not answer";
  return -1;
}

}  // namespace dcp::sandbox
