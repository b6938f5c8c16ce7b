#include "runtime/runtime.hpp"

#include <stdexcept>

#include "runtime/js_files.hpp"

namespace dcp::runtime {

const char* mode_name(Mode mode) {
  switch (mode) {
    case Mode::line:
      return "line";
    case Mode::job:
      return "job";
    case Mode::shell:
      return "shell";
  }
  return "";
}

Runtime::Runtime(engine::Engine& engine, Mode mode) : engine_(engine), mode_(mode) {
  const engine::Scope scope(engine_);
  ops_ = engine::Ref(engine_, engine_.null_prototype_object());
  object_ = engine::Ref(engine_, engine_.null_prototype_object());
  engine_.set(object_.get(), "ops", ops_.get());
  engine_.set(object_.get(), "mode", engine_.string(mode_name(mode)));
}

void Runtime::add_op(const std::string& name, int length, engine::Op op, void* context) {
  const engine::Scope scope(engine_);
  engine_.set(ops_.get(), name, engine_.function(name, length, op, context));
}

void Runtime::load(ScriptCache& scripts) {
  for (const JsFile& file : js_files()) {
    const engine::Scope scope(engine_);
    const engine::Value install = engine_.run(scripts.compile(file.source, "dcp:" + std::string(file.name)));
    engine::Value args[] = {object_.get()};
    engine_.call(install, engine_.undefined(), args);
  }
  check_hooks();
  loop_.on_timer([this] { enter([this] { engine_.call(hook(Hook::run_timers), engine_.undefined(), {}); }); });
}

void Runtime::check_hooks() {
  for (const HookInfo& info : kHooks) {
    const engine::Scope scope(engine_);
    const bool is_called = (info.modes & static_cast<unsigned>(mode_)) != 0;
    if (!is_called || engine_.kind(hook(info.hook)) == engine::Kind::function) continue;
    throw std::logic_error("no file of native/runtime/js has made the function runtime." + std::string(info.name) +
                           ", which native/runtime/hooks.hpp lists for the mode " + mode_name(mode_));
  }
}

engine::Value Runtime::hook(Hook hook) {
  return engine_.get(object_.get(), kHooks[static_cast<std::size_t>(hook)].name);
}

void Runtime::enter(const std::function<void()>& body) {
  const engine::Scope scope(engine_);
  try {
    body();
  } catch (engine::Thrown& thrown) {
    if (!report_uncaught) throw;
    report_uncaught(thrown);
  }
  run_microtasks();
}

void Runtime::run_microtasks() {
  const engine::Scope scope(engine_);
  try {
    engine_.run_microtasks();
  } catch (engine::Thrown& thrown) {
    if (!report_uncaught) throw;
    report_uncaught(thrown);
  }
}

}  // namespace dcp::runtime
