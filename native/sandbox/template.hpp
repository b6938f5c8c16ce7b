// A template: what all sandboxes of one kind share, loaded by trusted code before they are forked
// (runtime/js/template.js).
#pragma once

#include <string>

#include "runtime/runtime.hpp"
#include "runtime/webassembly.hpp"

namespace dcp::sandbox {

class Template {
 public:
  /// Adds the op that reads files: call it before Runtime::load().
  explicit Template(runtime::Runtime& runtime);

  /// Loads what `description`, a JSON text, names, and waits until it is at rest; `between` runs between two turns.
  /// Files can be read until then. Throws std::runtime_error.
  void load(const std::string& description, const runtime::EventLoop::Callback& between);

 private:
  engine::Ref begin(const std::string& description);
  static engine::Value read_file(engine::Engine& engine, void* context, std::span<const engine::Value> args);

  runtime::Runtime& runtime_;
  bool loading_ = false;
};

}  // namespace dcp::sandbox
