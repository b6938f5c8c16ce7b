#include "sandbox/options.hpp"

#include <optional>
#include <string_view>

#include "command_line/arguments.hpp"

namespace dcp::sandbox {
namespace {

using command_line::Arguments;

constexpr std::uint64_t kMostMemory = UINT64_MAX / 4;          // sums with margins do not overflow
constexpr std::uint64_t kMostStack = std::uint64_t{64} << 20;  // below the gap that the kernel keeps under the stack
constexpr std::uint64_t kMostSpares = 64;

constexpr std::string_view kUsage =
    "usage: dcp-zygote --mode job|line|shell [--memory-limit BYTES] [--stack-limit BYTES] [--wasmtime PATH] "
    "[--spares N] [--cache FOLDER] [--cache-limit BYTES] [--isolation strict|standard|none] "
    "[--priority normal|low|idle] [--clock-step MICROSECONDS] [--no-jit] [--template JSON] [FILE...]\n"
    "       dcp-zygote --report-isolation [--no-jit]\n"
    "The zygote serves a control socket on descriptor 3; dcp-evaluator starts it.";

std::optional<runtime::Mode> parse_mode(std::string_view text) {
  for (const runtime::Mode mode : {runtime::Mode::line, runtime::Mode::job, runtime::Mode::shell}) {
    if (text == runtime::mode_name(mode)) return mode;
  }
  return std::nullopt;
}

void set_option(Arguments& arguments, CommandLine& command) {
  Options& sandbox = command.sandbox;
  if (arguments.is("--report-isolation")) {
    command.report_isolation = true;
  } else if (arguments.is("--no-jit")) {
    command.jit = false;
  } else if (arguments.is("--isolation")) {
    command.isolation = arguments.parsed(isolation::parse_policy, "strict, standard or none");
  } else if (arguments.is("--priority")) {
    command.priority = arguments.parsed(isolation::parse_priority, isolation::kPriorities);
  } else if (arguments.is("--memory-limit")) {
    sandbox.memory_limit = arguments.number(0, kMostMemory);
  } else if (arguments.is("--stack-limit")) {
    sandbox.stack_limit = arguments.number(0, kMostStack);
  } else if (arguments.is("--clock-step")) {
    sandbox.clock_step_us =
        static_cast<unsigned>(arguments.number(runtime::kFinestClockStep, runtime::kCoarsestClockStep));
  } else if (arguments.is("--spares")) {
    command.spares = arguments.number(0, kMostSpares);
  } else if (arguments.is("--cache")) {
    sandbox.cache = arguments.value();
  } else if (arguments.is("--cache-limit")) {
    sandbox.cache_limit = arguments.number(0, kMostMemory);
  } else if (arguments.is("--template")) {
    sandbox.template_description = arguments.value();
  } else if (arguments.is("--wasmtime")) {
    sandbox.wasmtime_library = arguments.value();
  } else {
    arguments.refuse();
  }
}

}  // namespace

CommandLine parse_command_line(int count, char** values) {
  CommandLine command;
  bool has_mode = false;
  Arguments arguments("dcp-zygote", kUsage, count, values);
  while (arguments.next()) {
    if (arguments.is_file()) {
      command.sandbox.files.emplace_back(arguments.current());
    } else if (arguments.is("--mode")) {
      command.sandbox.mode = arguments.parsed(parse_mode, "job, line or shell");
      has_mode = true;
    } else {
      set_option(arguments, command);
    }
  }
  if (!has_mode && !command.report_isolation) arguments.wrong("--mode is missing");
  if (!command.sandbox.template_description.empty() && command.sandbox.mode == runtime::Mode::shell) {
    arguments.wrong("--template is for --mode job or line");
  }
  return command;
}

}  // namespace dcp::sandbox
