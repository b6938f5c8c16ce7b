// What differs between the programs in which sandboxes run: the engine, and where WebAssembly comes from.
#pragma once

#include <memory>

#include "engine/engine.hpp"
#include "isolation/seccomp.hpp"
#include "runtime/runtime.hpp"
#include "runtime/webassembly.hpp"

namespace dcp::sandbox {

struct Options;

struct Backend {
  std::unique_ptr<engine::Engine> (*make_engine)(const engine::Limits& limits);
  isolation::CodePages code;  ///< what it needs; with --no-jit none
  /// Null where the engine has its own. What it returns lives until the process ends. Throws std::runtime_error.
  runtime::WebAssembly& (*install_webassembly)(runtime::Runtime& runtime, const Options& options);
};

}  // namespace dcp::sandbox
