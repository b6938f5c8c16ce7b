// The settings of wasmtime's engine. Sandboxes and the compiler must agree on them: compiled code is taken only by an
// engine with the same settings.
#pragma once

#include <cstdint>

#include "wasmtime/owned.hpp"

namespace dcp::wasmtime {

/// The settings that compiled code depends on. The caller adds those of its own process and gives it to make_engine.
wasm_config_t* code_settings();

/// Takes `config`. Throws std::runtime_error where wasmtime cannot make an engine here, or is a version for which this
/// build was not made.
Owned<wasm_engine_t> make_engine(wasm_config_t* config);

/// A number for wasmtime's version, the settings and the features of this CPU: engines with the same one take each
/// other's compiled code.
std::uint64_t fingerprint(wasm_engine_t* engine);

}  // namespace dcp::wasmtime
