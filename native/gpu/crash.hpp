// What the sandbox is told when wgpu-native or a driver crashes. A panic of Rust writes its message to stderr and
// aborts; stderr therefore passes through here.
#pragma once

#include <functional>
#include <string>
#include <string_view>

namespace dcp::gpu {

/// "panic in wgpu-native: MESSAGE (FILE:LINE:COLUMN)", or the signal's name where `said` has no panic.
std::string crash_reason(int signal, std::string_view said);

/// From now on, a fatal signal in any thread calls `tell` with the reason, on a thread of its own, and then ends the
/// process by that signal. Call once. Throws std::system_error.
void watch_for_crashes(std::function<void(const std::string& reason)> tell);

/// Writes a line to the real stderr.
void say(const std::string& text);

}  // namespace dcp::gpu
