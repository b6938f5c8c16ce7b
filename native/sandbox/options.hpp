// The command line of dcp-zygote.
#pragma once

#include <cstddef>

#include "isolation/policy.hpp"
#include "isolation/priority.hpp"
#include "sandbox/sandbox.hpp"

namespace dcp::sandbox {

struct CommandLine {
  Options sandbox;
  bool report_isolation = false;
  isolation::Policy isolation = isolation::Policy::standard;
  isolation::Priority priority = isolation::Priority::normal;
  bool jit = true;
  std::size_t spares = 2;  ///< sealed sandboxes that wait ahead of the next spawn
};

/// Throws command_line::UsageError.
CommandLine parse_command_line(int count, char** arguments);

}  // namespace dcp::sandbox
