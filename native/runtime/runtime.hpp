// The engine-neutral part of a sandbox: the ops table, the JavaScript of runtime/js, the event loop.
//
// Each file of runtime/js is a classic script whose completion value is a function of one argument, `runtime`, an
// object with: ops (the table made here), mode ("line", "job" or "shell"), primordials (after primordials.js), and
// whatever earlier files put on it: tests/lint/runtime-members.mjs lists it. Files run in the order of
// native/cmake/Codegen.cmake, before any user code.
#pragma once

#include <string>

#include "engine/engine.hpp"
#include "runtime/event_loop.hpp"
#include "runtime/hooks.hpp"
#include "runtime/script_cache.hpp"

namespace dcp::runtime {

const char* mode_name(Mode mode);

/// Steps of the guest's clocks in microseconds: the finest is fine enough to measure with, and blunts timing attacks;
/// the coarsest is that of Date.now().
inline constexpr unsigned kFinestClockStep = 5, kCoarsestClockStep = 1000;

class Runtime {
 public:
  Runtime(engine::Engine& engine, Mode mode);

  engine::Engine& engine() { return engine_; }
  EventLoop& loop() { return loop_; }
  Mode mode() const { return mode_; }

  /// Adds runtime.ops.<name>. Call before load().
  void add_op(const std::string& name, int length, engine::Op op, void* context);
  /// Evaluates the files of runtime/js. Throws engine::Thrown when one of them fails, std::logic_error when they lack a
  /// hook (faults of the build).
  void load(ScriptCache& scripts);
  /// The function of that hook, which must be one of this mode.
  engine::Value hook(Hook hook);

  /// Calls back into JavaScript from the event loop: a scope, the call, all microtasks; an exception goes to
  /// report_uncaught.
  void enter(const std::function<void()>& body);
  void run_microtasks();
  std::function<void(engine::Thrown&)> report_uncaught;

  unsigned clock_step_us = kFinestClockStep;  ///< set it before load()

 private:
  void check_hooks();

  engine::Engine& engine_;
  Mode mode_;
  EventLoop loop_;
  engine::Ref ops_;
  engine::Ref object_;
};

}  // namespace dcp::runtime
