// The program of a zygote, whichever engine it has.
#pragma once

#include "sandbox/backend.hpp"

namespace dcp::sandbox {

/// Evaluates runtime and start-up files once, then forks a sealed sandbox for each request. Returns the exit status
/// where there is nothing to serve; otherwise it ends the process.
int run_zygote(int count, char** arguments, const Backend& backend);

}  // namespace dcp::sandbox
