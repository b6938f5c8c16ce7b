#include "sandbox/options.hpp"

#include <charconv>
#include <string_view>

namespace dcp::sandbox {
namespace {

constexpr std::size_t kMostStack = std::size_t{64} << 20;  // below the gap that the kernel keeps under the stack
constexpr std::size_t kMostSpares = 64;

constexpr std::string_view kUsage =
    "usage: dcp-zygote --mode job|line|shell [--memory-limit BYTES] [--stack-limit BYTES] [--wasmtime PATH] "
    "[--spares N] [--cache FOLDER] [--cache-limit BYTES] [--isolation strict|standard|none] "
    "[--clock-step MICROSECONDS] [--no-jit] [FILE...]\n"
    "       dcp-zygote --report-isolation [--no-jit]\n"
    "The zygote serves a control socket on descriptor 3; dcp-evaluator starts it.";

[[noreturn]] void wrong(const std::string& text) {
  throw UsageError("dcp-zygote: " + text + "\n" + std::string(kUsage));
}

std::size_t parse_size(std::string_view option, std::string_view text, std::size_t most) {
  std::size_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value > most) {
    wrong(std::string(option) + " needs a number of at most " + std::to_string(most) + ", not '" + std::string(text) +
          "'");
  }
  return value;
}

runtime::Mode parse_mode(std::string_view text) {
  for (const runtime::Mode mode : {runtime::Mode::line, runtime::Mode::job, runtime::Mode::shell}) {
    if (text == runtime::mode_name(mode)) return mode;
  }
  wrong("--mode is job, line or shell, not '" + std::string(text) + "'");
}

isolation::Policy parse_isolation(std::string_view text) {
  const auto policy = isolation::parse_policy(text);
  if (!policy) wrong("--isolation is strict, standard or none, not '" + std::string(text) + "'");
  return *policy;
}

unsigned parse_clock_step(std::string_view text) {
  const std::size_t step = parse_size("--clock-step", text, runtime::kCoarsestClockStep);
  if (step < runtime::kFinestClockStep) wrong("--clock-step is at least " + std::to_string(runtime::kFinestClockStep));
  return static_cast<unsigned>(step);
}

class Parser {
 public:
  Parser(int count, char** arguments) : count_(count), arguments_(arguments) {}

  CommandLine parse() {
    bool only_files = false;
    for (at_ = 1; at_ < count_; ++at_) {
      const std::string_view argument = arguments_[at_];
      if (only_files || argument.empty() || argument[0] != '-') {
        command_.sandbox.files.emplace_back(argument);
      } else if (argument == "--") {
        only_files = true;
      } else {
        option(argument);
      }
    }
    if (!has_mode_ && !command_.report_isolation) wrong("--mode is missing");
    return std::move(command_);
  }

 private:
  void option(std::string_view name) {
    constexpr std::size_t half = static_cast<std::size_t>(-1) / 4;  // sums with margins do not overflow
    if (name == "--report-isolation") {
      command_.report_isolation = true;
    } else if (name == "--no-jit") {
      command_.jit = false;
    } else if (name == "--isolation") {
      command_.isolation = parse_isolation(value(name));
    } else if (name == "--mode") {
      command_.sandbox.mode = parse_mode(value(name));
      has_mode_ = true;
    } else if (name == "--memory-limit") {
      command_.sandbox.memory_limit = parse_size(name, value(name), half);
    } else if (name == "--stack-limit") {
      command_.sandbox.stack_limit = parse_size(name, value(name), kMostStack);
    } else if (name == "--clock-step") {
      command_.sandbox.clock_step_us = parse_clock_step(value(name));
    } else if (name == "--spares") {
      command_.spares = parse_size(name, value(name), kMostSpares);
    } else if (name == "--cache") {
      command_.sandbox.cache = value(name);
    } else if (name == "--cache-limit") {
      command_.sandbox.cache_limit = parse_size(name, value(name), half);
    } else if (name == "--wasmtime") {
      command_.sandbox.wasmtime_library = value(name);
    } else {
      wrong("unknown option '" + std::string(name) + "'");
    }
  }

  std::string_view value(std::string_view option) {
    if (at_ + 1 >= count_) wrong(std::string(option) + " needs a value");
    return arguments_[++at_];
  }

  int count_;
  char** arguments_;
  int at_ = 0;
  bool has_mode_ = false;
  CommandLine command_;
};

}  // namespace

CommandLine parse_command_line(int count, char** arguments) { return Parser(count, arguments).parse(); }

}  // namespace dcp::sandbox
