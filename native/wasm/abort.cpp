// Where native memory is short, wasmtime's library ends the process, as Rust's programs do, and so does C++ where
// nobody catches std::bad_alloc. This program has its own abort(3), which their calls reach before the C library's: the
// peer hears of it.
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <memory>
#include <utility>

#include "wasm/host.hpp"

namespace {

constexpr std::size_t kReserve = std::size_t{256} << 10;  // for what the hook needs

struct Hook {
  std::function<void()> end;
  std::unique_ptr<char[]> reserve;
};

Hook& hook() {
  static Hook hook;
  return hook;
}

}  // namespace

// The allocation that failed has left its mark in errno; what was printed since has not changed it.
extern "C" __attribute__((visibility("default"))) void abort() noexcept {
  const bool no_memory = errno == ENOMEM;
  hook().reserve.reset();
  if (const auto end = std::exchange(hook().end, nullptr); end && no_memory) end();
  std::signal(SIGABRT, SIG_DFL);
  std::raise(SIGABRT);
  __builtin_trap();  // the filter has refused the signal
}

namespace dcp::wasm {

void Host::on_out_of_memory(std::function<void()> end) {
  hook() = {std::move(end), std::make_unique_for_overwrite<char[]>(kReserve)};
}

}  // namespace dcp::wasm
