#include "compiler/compile_process.hpp"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <system_error>

#include "binary/legacy_exceptions.hpp"
#include "binary/limits.hpp"
#include "compiler/protocol.hpp"
#include "ipc/mapping.hpp"
#include "ipc/memfd.hpp"
#include "ipc/packet.hpp"
#include "isolation/descriptors.hpp"
#include "wasmtime/engine.hpp"

namespace dcp::compiler {

namespace {

using wasmtime::wt;
using Error = wasmtime::Owned<wasmtime_error_t>;

[[noreturn]] void answer(char kind, std::string_view text, std::span<const int> descriptors = {}) {
  const std::string message = kind + std::string(text.substr(0, kLongestMessage - 1));
  (void)ipc::send_packet(isolation::kKept, message, descriptors);
  _exit(0);
}

std::uint8_t* data_of(std::span<const std::byte> bytes) {
  return const_cast<std::uint8_t*>(reinterpret_cast<const std::uint8_t*>(bytes.data()));
}

// An engine of its own, since that starts threads, which compile functions in parallel.
[[noreturn]] void compile(std::span<const std::byte> wasm, const ModuleLimits& limits) {
  wasm_config_t* config = wasmtime::code_settings();
  wt.wasmtime_config_parallel_compilation_set(config, true);
  const wasmtime::Owned<wasm_engine_t> engine = wasmtime::make_engine(config);
  if (const std::string excess = binary::exceeded_limit(wasm); !excess.empty()) answer(kInvalid, excess);
  const auto translated = binary::translate_legacy_exceptions(wasm);
  if (translated) wasm = *translated;
  wasmtime_module_t* made = nullptr;
  if (Error error(wt.wasmtime_module_new(engine.get(), data_of(wasm), wasm.size(), &made)); error) {
    answer(kInvalid, wasmtime::take_message(std::move(error)));
  }
  const wasmtime::Owned<wasmtime_module_t> module(made);
  wasmtime::Bytes code;
  if (Error error(wt.wasmtime_module_serialize(module.get(), &code.vec)); error) {
    answer(kFailed, wasmtime::take_message(std::move(error)));
  }
  if (code.text().size() > limits.code) answer(kFailed, too_much_code(limits));
  const ipc::Descriptor file = ipc::sealed_copy(std::as_bytes(std::span(code.text())));
  const int fd = file.get();
  answer(kModule, "", std::span(&fd, 1));
}

[[noreturn]] void run_child(const isolation::Prepared& prepared, const ModuleLimits& limits, int channel) {
  sigset_t none;
  sigemptyset(&none);
  (void)sigprocmask(SIG_SETMASK, &none, nullptr);
  (void)prctl(PR_SET_NAME, "dcp-compile", 0, 0, 0);
  const std::string missing = isolation::refusal(prepared, isolation::seal(prepared, channel));
  if (!missing.empty()) answer(kFailed, "the compiler is not isolated: " + missing);
  ipc::Packet given;
  if (ipc::receive_packet(isolation::kKept, given, 1) != ipc::Received::packet || given.descriptors.size() != 1) {
    _exit(1);
  }
  try {
    const std::int64_t size = ipc::sealed_size(given.descriptors[0].get());
    const ipc::Mapping wasm(given.descriptors[0].get(), 0, size < 0 ? 0 : static_cast<std::size_t>(size));
    compile(wasm.bytes(), limits);
  } catch (const std::exception& error) {
    answer(kFailed, error.what());
  }
}

}  // namespace

Child start_compiling(const isolation::Prepared& prepared, const ModuleLimits& limits, int wasm) {
  isolation::Prepared own = prepared;
  own.limits.memory = limits.memory;
  own.limits.file = limits.code;
  own.limits.cpu_seconds = limits.cpu_seconds;
  const isolation::Forked forked = isolation::fork_isolated(own);
  if (forked.process == 0) run_child(own, limits, forked.channel);
  (void)ipc::send_packet(forked.channel, "m", std::span(&wasm, 1));  // one that has ended gives no answer
  return Child(forked.process, forked.channel);
}

// Whatever the process says may be a lie; what it says of the code is believed by sandboxes with this module only.
Outcome outcome_of(ipc::Packet answer, const ModuleLimits& limits) {
  const char kind = answer.bytes.empty() ? '\0' : answer.bytes[0];
  if (kind == kInvalid) return {{}, answer.bytes.substr(1), {}};
  if (kind == kFailed) return {{}, {}, answer.bytes.substr(1)};
  if (kind != kModule || answer.descriptors.size() != 1) return {{}, {}, "the compiler gave no answer"};
  const std::int64_t size = ipc::whole_size(answer.descriptors[0].get());
  if (size <= 0) return {{}, {}, "the compiler's answer is no code"};
  if (static_cast<std::uint64_t>(size) > limits.code) return {{}, {}, too_much_code(limits)};
  return {std::move(answer.descriptors[0]), {}, {}};
}

// RLIMIT_CPU ends the first process of a pid namespace with SIGKILL. abort(), which Rust calls where memory ends, ends
// it with SIGSEGV or SIGILL there, since it may not send itself signals.
std::string reason_of(const Child::End& end, const ModuleLimits& limits) {
  if (!WIFSIGNALED(end.status)) {
    return "the compiler ended (exit " + std::to_string(WEXITSTATUS(end.status)) + ")";
  }
  const int number = WTERMSIG(end.status);
  if (number != SIGKILL)
    return too_much_memory(limits) + ", or the compiler failed (signal " + std::to_string(number) + ")";
  if (end.cpu_time + 1 >= limits.cpu_seconds) return too_much_time(limits);
  return "its compiler was killed: the machine has too little memory left, or somebody ended it";
}

}  // namespace dcp::compiler
