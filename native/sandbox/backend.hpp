// What differs between the programs in which sandboxes run: the engine, and where WebAssembly comes from.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "engine/engine.hpp"
#include "isolation/seccomp.hpp"
#include "runtime/runtime.hpp"

namespace dcp::sandbox {

struct Options;

/// A WebAssembly that is not the engine's own.
class WebAssembly {
 public:
  virtual ~WebAssembly() = default;
  /// In the child: how modules are handed to a compiler; `connect` gives a socket, or -1 and the reason.
  virtual void use_compiler(std::function<int(std::string& reason)> connect) = 0;
  /// In the child: `end` is called where no native memory is left, and ends the process.
  virtual void on_out_of_memory(std::function<void()> end) = 0;
  /// Between two turns of the event loop.
  virtual void begin_turn() = 0;
  /// The same where memory is short, with a collection of garbage.
  virtual void free_memory() = 0;
};

struct Backend {
  std::unique_ptr<engine::Engine> (*make_engine)(const engine::Limits& limits);
  isolation::CodePages code;  ///< what it needs; with --no-jit none
  /// Null where the engine has its own. Throws std::runtime_error.
  std::unique_ptr<WebAssembly> (*install_webassembly)(runtime::Runtime& runtime, const Options& options);
};

}  // namespace dcp::sandbox
