#include "sandbox/zygote_program.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <vector>

#include "command_line/arguments.hpp"
#include "isolation/prctl.hpp"
#include "isolation/rlimits.hpp"
#include "isolation/verify.hpp"
#include "isolation/verify_child.hpp"
#include "sandbox/options.hpp"
#include "sandbox/zygote.hpp"

namespace dcp::sandbox {
namespace {

using isolation::Prepared;

constexpr int kControl = 3;
constexpr int kUsageStatus = 2;
constexpr std::size_t kNativeStack = std::size_t{8} << 20;  // beside what JavaScript and WebAssembly may use
constexpr std::size_t kKeptBlock = std::size_t{4} << 20;

pid_t parent = 0;

/// The death signal comes when the *thread* that started the zygote ends; only the end of the process counts.
void on_parent_death(int) {
  if (getppid() != parent) _exit(1);
}

void end_with_parent() {
  parent = getppid();
  struct sigaction action{};
  action.sa_handler = on_parent_death;
  action.sa_flags = SA_RESTART;
  (void)sigaction(SIGHUP, &action, nullptr);
  (void)prctl(PR_SET_PDEATHSIG, SIGHUP, 0, 0, 0);
}

/// So that no descriptor opened later is taken for one of the three.
void open_standard_descriptors() {
  while (fcntl(STDERR_FILENO, F_GETFD) < 0 || fcntl(STDOUT_FILENO, F_GETFD) < 0 || fcntl(STDIN_FILENO, F_GETFD) < 0) {
    if (open("/dev/null", O_RDWR) < 0) return;
  }
}

/// Keeps stderr, for the zygote's own messages, and the control socket. What was inherited is not marked to be closed
/// at exec; descriptors of this process are, and those of Node's must stay: its threads abort without them.
void close_inherited(int null_device) {
  (void)dup2(null_device, STDIN_FILENO);
  (void)dup2(null_device, STDOUT_FILENO);
  std::vector<int> inherited;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    const int fd = std::atoi(entry.path().filename().c_str());
    if (fd > kControl && fcntl(fd, F_GETFD) == 0) inherited.push_back(fd);
  }
  for (const int fd : inherited) (void)close(fd);
}

/// SIGPIPE would end a sandbox whose peer leaves in the middle of a write; SIGINT of a terminal is the evaluator's.
void ignore_signals() {
  for (const int number : {SIGPIPE, SIGINT, SIGQUIT, SIGTSTP}) (void)signal(number, SIG_IGN);
}

/// What of `wanted` the hard limit of the system leaves to the engine's stack.
std::size_t affordable_stack(std::size_t wanted) {
  rlimit limit{};
  if (getrlimit(RLIMIT_STACK, &limit) != 0 || limit.rlim_max == RLIM_INFINITY) return wanted;
  const rlim_t room = limit.rlim_max > kNativeStack ? limit.rlim_max - kNativeStack : limit.rlim_max / 2;
  return std::min<std::size_t>(wanted, room / 2);
}

/// glibc takes from the kernel each block over 128 KiB, and gives it back when it is freed, until a larger block was
/// freed: up to that size, and twice as much at the end, the memory is kept (mallopt(3)). Its pages would cost a line
/// or a string of 1 MiB more time than all that is done with it.
void keep_freed_memory() {
  void* volatile block = std::malloc(kKeptBlock);
  std::free(block);
}

void yield_cpus(isolation::Priority priority) {
  const isolation::Failure failure = isolation::take_priority(priority);
  if (!failure.empty())
    std::fprintf(stderr, "dcp-evaluator: sandboxes yield too little: %s\n", failure.reason().c_str());
}

Prepared prepare_isolation(const CommandLine& command, const Backend& backend) {
  const Options& options = command.sandbox;
  isolation::Limits limits;
  limits.memory = options.memory_limit;
  limits.stack = 2 * options.stack_limit + kNativeStack;
  limits.code = command.jit ? backend.code : isolation::CodePages::none;
  return isolation::prepare(limits, command.isolation);
}

/// Without pages of code, what wasmtime compiled cannot run.
void check_jit(const CommandLine& command, const Backend& backend) {
  if (!command.jit && backend.code != isolation::CodePages::patched) {
    throw command_line::UsageError("dcp-zygote: --no-jit is for the engine v8");
  }
}

/// What no sandbox could have is told at once. Throws std::runtime_error.
void check_ahead(const Prepared& prepared) {
  using isolation::Policy;
  if (const std::string reason = refusal_ahead(prepared, prepared.policy); !reason.empty()) {
    throw std::runtime_error("not isolated: " + reason);
  }
  if (prepared.policy != Policy::none) return;
  if (const std::string reason = refusal_ahead(prepared, Policy::standard); !reason.empty()) {
    std::fprintf(stderr, "dcp-evaluator: untrusted code runs all the same: %s\n", reason.c_str());
  }
}

/// Leaves without destructors: what the engine holds goes with the process.
[[noreturn]] void serve(const CommandLine& command, const Backend& backend) {
  ControlSocket control(kControl);
  try {
    const Prepared prepared = prepare_isolation(command, backend);
    check_ahead(prepared);
    close_inherited(prepared.null_device);
    // Never destroyed: what engine and bindings hold goes with the process.
    Sandbox& sandbox = *new Sandbox(command.sandbox, backend);
    sandbox.load([&control](std::string& reason) { return control.ask_compiler(reason); });
    control.send("ready");
    Spawner spawner(sandbox, prepared, command.spares);
    Zygote(control, spawner, command.sandbox.mode == runtime::Mode::line).run();
    _exit(0);
  } catch (const std::exception& error) {
    control.send(std::string("failed ") + error.what());
    control.flush();
    _exit(1);
  }
}

}  // namespace

int run_zygote(int count, char** arguments, const Backend& backend) {
  try {
    open_standard_descriptors();
    CommandLine command = parse_command_line(count, arguments);
    check_jit(command, backend);
    yield_cpus(command.priority);
    command.sandbox.stack_limit = affordable_stack(command.sandbox.stack_limit);
    isolation::erase_environment();
    end_with_parent();
    ignore_signals();
    isolation::allow_all_descriptors();
    keep_freed_memory();
    if (command.report_isolation) {
      const auto report = isolation::verify(prepare_isolation(command, backend));
      std::fputs(isolation::to_json(report).c_str(), stdout);
      return std::fflush(stdout) == 0 ? 0 : 1;
    }
    // The zygote itself has no use for new privileges either.
    (void)isolation::no_new_privs();
    serve(command, backend);
  } catch (const command_line::UsageError& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return kUsageStatus;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "dcp-zygote: %s\n", error.what());
    return kUsageStatus;
  }
}

}  // namespace dcp::sandbox
