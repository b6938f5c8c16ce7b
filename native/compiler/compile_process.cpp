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
[[noreturn]] void compile(std::span<const std::byte> wasm) {
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
  const ipc::Descriptor file = ipc::sealed_copy(std::as_bytes(std::span(code.text())));
  const int fd = file.get();
  answer(kModule, "", std::span(&fd, 1));
}

[[noreturn]] void run_child(const isolation::Prepared& prepared, int channel) {
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
    compile(wasm.bytes());
  } catch (const std::exception& error) {
    answer(kFailed, error.what());
  }
}

std::string ended(int status) {
  if (!WIFSIGNALED(status)) return "the compiler ended (exit " + std::to_string(WEXITSTATUS(status)) + ")";
  const int number = WTERMSIG(status);
  // RLIMIT_CPU ends the first process of a pid namespace with SIGKILL. abort(), which Rust calls where memory ends,
  // ends it with SIGSEGV or SIGILL there, since it may not send itself signals.
  if (number == SIGKILL) return "compiling it takes too much time";
  return "compiling it takes too much memory, or the compiler failed (signal " + std::to_string(number) + ")";
}

}  // namespace

CompileProcess::CompileProcess(const isolation::Prepared& prepared, int wasm) {
  const isolation::Forked forked = isolation::fork_isolated(prepared);
  if (forked.process == 0) run_child(prepared, forked.channel);
  process_ = forked.process;
  channel_ = ipc::Descriptor(forked.channel);
  (void)ipc::send_packet(channel_.get(), "m", std::span(&wasm, 1));  // one that has ended shows in outcome()
}

CompileProcess::~CompileProcess() {
  if (process_ <= 0) return;
  (void)kill(process_, SIGKILL);
  while (waitpid(process_, nullptr, 0) < 0 && errno == EINTR) continue;
}

// Whatever the process says may be a lie; what it says of the code is believed by sandboxes with this module only.
CompileProcess::Outcome CompileProcess::outcome() {
  ipc::Packet packet;
  const bool answered = ipc::receive_packet(channel_.get(), packet, kLongestMessage) == ipc::Received::packet;
  int status = 0;
  if (!answered) {
    while (waitpid(process_, &status, 0) < 0 && errno == EINTR) continue;
    process_ = -1;
    return {{}, {}, ended(status)};
  }
  const char kind = packet.bytes.empty() ? '\0' : packet.bytes[0];
  const bool has_code = packet.descriptors.size() == 1 && ipc::sealed_size(packet.descriptors[0].get()) > 0;
  if (kind == kModule && has_code) return {std::move(packet.descriptors[0]), {}, {}};
  if (kind == kInvalid) return {{}, packet.bytes.substr(1), {}};
  return {{}, {}, kind == kFailed ? packet.bytes.substr(1) : "the compiler gave no answer"};
}

}  // namespace dcp::compiler
