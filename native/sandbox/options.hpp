// The command line of dcp-zygote.
#pragma once

#include <cstddef>
#include <stdexcept>

#include "isolation/policy.hpp"
#include "sandbox/sandbox.hpp"

namespace dcp::sandbox {

struct CommandLine {
  Options sandbox;
  bool report_isolation = false;
  isolation::Policy isolation = isolation::Policy::standard;
  bool jit = true;
  std::size_t spares = 2;  ///< sealed sandboxes that wait ahead of the next spawn
};

/// The command line is wrong; the text names the argument and the remedy.
struct UsageError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

CommandLine parse_command_line(int count, char** arguments);

}  // namespace dcp::sandbox
