// One sealed process that compiles one module and ends. The module is a stranger's: if it takes over the process, it
// gains the right to write the code of this very module, and nothing else.
#pragma once

#include <string>

#include "compiler/child.hpp"
#include "compiler/limits.hpp"
#include "ipc/descriptor.hpp"
#include "isolation/seal.hpp"

namespace dcp::compiler {

/// What came of it: `code` is a sealed memfd, or there is a reason.
struct Outcome {
  ipc::Descriptor code;
  std::string invalid;  ///< the module's fault
  std::string failed;   ///< not the module's fault
};

/// Starts on the module in the memfd `wasm`; the library of wasmtime is open. Throws std::runtime_error when there can
/// be no process.
Child start_compiling(const isolation::Prepared& prepared, const ModuleLimits& limits, int wasm);

/// What its answer says.
Outcome outcome_of(ipc::Packet answer, const ModuleLimits& limits);
/// Why there is no answer.
std::string reason_of(const Child::End& end, const ModuleLimits& limits);

}  // namespace dcp::compiler
