// Panics of wgpu-native that cost one call, and not the process.
//
// A panic of Rust unwinds: on the way up to the function of webgpu.h, locks are given back and what was begun is
// dropped. There it ends, since it may not leave such a function: the process is aborted. The handler of that signal
// (gpu/crash.hpp) goes on behind the call instead, where the text of the panic shows that it has come so far.
#pragma once

#include <optional>
#include <string>
#include <type_traits>

namespace dcp::gpu {

bool run_guarded(void (*call)(void*), void* argument);
std::string take_panic();

/// Calls into wgpu-native, on a thread of this process after watch_for_crashes(). Returns "MESSAGE (FILE:LINE:COLUMN)"
/// where that has panicked; then `call` has not come to its end, and nothing of C++ that it made there is destroyed.
template <typename Callable>
std::optional<std::string> catch_panic(Callable&& call) {
  using Function = std::remove_reference_t<Callable>;
  if (run_guarded([](void* function) { (*static_cast<Function*>(function))(); }, &call)) return std::nullopt;
  return take_panic();
}

/// Whether there was a panic in this thread. Rust takes it for a thread that panics until its end, and wgpu-native
/// releases nothing in such a thread: another one has to go on.
bool thread_is_spent();

/// For the handler of the signal, in the thread that has it.
bool in_guarded_call();
[[noreturn]] void leave_guarded_call();
/// For the thread that reads what wgpu-native says: before the handler leaves the call.
void keep_panic(std::string text);
/// Whether any thread is in such a call.
bool is_any_guarded();

}  // namespace dcp::gpu
