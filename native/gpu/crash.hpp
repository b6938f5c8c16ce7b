// What the sandbox is told when wgpu-native or a driver crashes. A panic of Rust writes its message to stderr and
// aborts; stderr therefore passes through here.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace dcp::gpu {

/// "MESSAGE (FILE:LINE:COLUMN)" of the first panic in what wgpu-native has said; empty where it has none.
std::string panic_text(std::string_view said);
/// Whether that panic has been unwound up to a function of webgpu.h (gpu/panic.hpp).
bool is_unwound(std::string_view said);
/// "panic in wgpu-native: " with that text, or the signal's name.
std::string crash_reason(int signal, std::string_view said);

/// From now on, a fatal signal in any thread calls `tell` with the reason, on a thread of its own, and then ends the
/// process by that signal; only the panic of a guarded call (gpu/panic.hpp) does not. Call once. Throws
/// std::system_error.
void watch_for_crashes(std::function<void(const std::string& reason)> tell);

/// While it lives, a fatal signal of this thread is handled also where its stack has overflown.
class SignalStack {
 public:
  SignalStack();
  SignalStack(const SignalStack&) = delete;
  SignalStack& operator=(const SignalStack&) = delete;
  ~SignalStack();

 private:
  std::unique_ptr<std::byte[]> stack_;
};

/// Writes a line to the real stderr.
void say(const std::string& text);

}  // namespace dcp::gpu
