// A template: what all sandboxes of one kind share, loaded by trusted code before they are forked
// (runtime/js/template.js).
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "runtime/runtime.hpp"
#include "runtime/script_cache.hpp"
#include "runtime/webassembly.hpp"

namespace dcp::sandbox {

class Template {
 public:
  /// Adds the ops that read and run files: call it before Runtime::load(). What `scripts` compiles is kept there.
  Template(runtime::Runtime& runtime, runtime::ScriptCache& scripts);

  /// Loads what `description`, a JSON text, names, and waits until it is at rest; `between` runs between two turns.
  /// Files can be read until then. Throws std::runtime_error.
  void load(const std::string& description, const runtime::EventLoop::Callback& between);

 private:
  engine::Ref begin(const std::string& description);
  std::string_view read(engine::Value path, std::unique_ptr<char[]>& buffer);
  static engine::Value read_file(engine::Engine& engine, void* context, std::span<const engine::Value> args);
  static engine::Value run_file(engine::Engine& engine, void* context, std::span<const engine::Value> args);

  runtime::Runtime& runtime_;
  runtime::ScriptCache& scripts_;
  std::vector<std::unique_ptr<char[]>> sources_;  ///< the engine reads in them later on
  bool loading_ = false;
};

}  // namespace dcp::sandbox
