// What an exploit would do once it runs native code in a process of ours.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace dcp::attacks {

/// Tries the attack of that name: "refused: ...", "SUCCEEDED: ...", or "unknown". The process may be killed instead.
/// Harmless where it succeeds: signals are signal 0, and what is created is closed and unlinked.
std::string carry_out(std::string_view name);

/// Of those that need no target.
std::vector<std::string> names();

}  // namespace dcp::attacks
