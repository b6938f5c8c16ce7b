// A sandbox: built and warmed once in the zygote, then served in a forked and sealed child.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "engine/engine.hpp"
#include "runtime/runtime.hpp"
#include "runtime/script_cache.hpp"
#include "sandbox/backend.hpp"
#include "sandbox/rejections.hpp"
#include "sandbox/session.hpp"
#include "sandbox/template.hpp"

namespace dcp::sandbox {

struct Options {
  runtime::Mode mode = runtime::Mode::job;
  std::size_t memory_limit = std::size_t{2} << 30;     ///< bytes of JavaScript heap, and of wasm memory
  std::size_t stack_limit = std::size_t{8} << 20;      ///< bytes; about 12,000 plain calls
  unsigned clock_step_us = runtime::kFinestClockStep;  ///< of what guests see of time
  std::string wasmtime_library;                        ///< path of the shared library
  std::vector<std::string> files;                      ///< start-up files, in order
  std::string template_description;                    ///< JSON of it; empty: there is no template
  std::string cache;                                   ///< folder of compiled scripts; empty: none are kept
  std::uint64_t cache_limit = std::uint64_t{2} << 30;  ///< bytes that they may take
};

/// Descriptors of one connection; `in` and `out` may be the same.
struct Channels {
  int in = -1;
  int out = -1;
  int service_socket = -1;
};

class Sandbox {
 public:
  /// Builds engine, runtime and bindings and evaluates the runtime's JavaScript. Throws std::runtime_error.
  Sandbox(const Options& options, const Backend& backend);
  ~Sandbox();

  /// Evaluates the start-up files, whose failure is kept and reported on each connection; then loads the template.
  /// `connect` gives a socket that is connected to the compiler, or -1 and the reason. Throws std::runtime_error.
  void load(const std::function<int(std::string& reason)>& connect);

  /// Runs until the peer has left or the guest ends itself; returns the process's exit status.
  int serve(const Channels& channels);

 private:
  int run(const Channels& channels);
  void load_files();
  void load_template(const std::function<int(std::string& reason)>& connect);
  void call_runtime(runtime::Hook hook);
  void end_when_full();
  static engine::Value tell_of_python(engine::Engine& engine, void* context, std::span<const engine::Value> args);
  /// What the process that owns this sandbox has to give: a connected socket, or -1 and the reason.
  int ask_service(char what, std::string& reason);

  Options options_;
  std::vector<std::unique_ptr<char[]>> sources_;  ///< of the start-up files: the engine reads in them later on
  std::unique_ptr<engine::Engine> engine_;
  std::unique_ptr<runtime::ScriptCache> scripts_;
  std::unique_ptr<runtime::Runtime> runtime_;
  std::unique_ptr<Session> session_;
  std::unique_ptr<Rejections> rejections_;
  std::unique_ptr<Template> template_;
  runtime::WebAssembly* webassembly_ = nullptr;  ///< null where the engine has its own
  int service_socket_ = -1;
  bool shortage_is_told_ = false;
};

}  // namespace dcp::sandbox
