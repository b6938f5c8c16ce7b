// One sealed process that compiles one module and ends. The module is a stranger's: if it takes over the process, it
// gains the right to write the code of this very module, and nothing else.
#pragma once

#include <sys/types.h>

#include <string>

#include "ipc/descriptor.hpp"
#include "isolation/seal.hpp"

namespace dcp::compiler {

class CompileProcess {
 public:
  /// What came of it: `code` is a sealed memfd, or there is a reason.
  struct Outcome {
    ipc::Descriptor code;
    std::string invalid;  ///< the module's fault
    std::string failed;   ///< not the module's fault
  };

  /// Starts on the module in the memfd `wasm`; the library of wasmtime is open. Throws std::runtime_error when there
  /// can be no process.
  CompileProcess(const isolation::Prepared& prepared, int wasm);
  CompileProcess(const CompileProcess&) = delete;
  CompileProcess& operator=(const CompileProcess&) = delete;
  /// Kills it where it still runs.
  ~CompileProcess();

  /// Readable when outcome() has something to tell.
  int fd() const { return channel_.get(); }
  /// Waits for the outcome.
  Outcome outcome();

 private:
  pid_t process_;
  ipc::Descriptor channel_;
};

}  // namespace dcp::compiler
