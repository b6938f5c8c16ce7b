// dcp-compiler: compiles WebAssembly modules for the sandboxes of one evaluator, and keeps them.
//
//   dcp-compiler --wasmtime PATH [--cache FOLDER] [--cache-limit BYTES] [--isolation strict|standard|none]
//                [--priority normal|low|idle] [--memory BYTES] [--seconds NUMBER]
//
// --memory, --seconds: memory and CPU time that compiling one module may take, whatever its size.
// Descriptor 3 is a seqpacket socket; each message on it brings a socket to a sandbox (protocol.hpp). The process ends
// when it closes. Exit status: 0 closed, 1 cannot start, 2 wrong options.
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <exception>
#include <string>
#include <string_view>
#include <thread>

#include "command_line/arguments.hpp"
#include "compiler/service.hpp"
#include "isolation/priority.hpp"
#include "isolation/rlimits.hpp"

namespace {

constexpr std::string_view kUsage =
    "usage: dcp-compiler --wasmtime PATH [--cache FOLDER] [--cache-limit BYTES] [--isolation strict|standard|none]"
    " [--priority normal|low|idle] [--memory BYTES] [--seconds NUMBER]";
constexpr int kControl = 3;
constexpr unsigned kMostThreads = 2048;  // wasmtime starts one per CPU

struct Options {
  std::string wasmtime;
  std::string cache;
  std::uint64_t cache_limit = std::uint64_t{2} << 30;
  dcp::isolation::Policy isolation = dcp::isolation::Policy::standard;
  dcp::isolation::Priority priority = dcp::isolation::Priority::normal;
  dcp::compiler::Overrides limits;
};

Options parse(int count, char** values) {
  Options options;
  dcp::command_line::Arguments arguments("dcp-compiler", kUsage, count, values);
  while (arguments.next()) {
    if (arguments.is("--wasmtime")) {
      options.wasmtime = arguments.value();
    } else if (arguments.is("--cache")) {
      options.cache = arguments.value();
    } else if (arguments.is("--cache-limit")) {
      options.cache_limit = arguments.number(0, UINT64_MAX);
    } else if (arguments.is("--isolation")) {
      options.isolation = arguments.parsed(dcp::isolation::parse_policy, "strict, standard or none");
    } else if (arguments.is("--priority")) {
      options.priority = arguments.parsed(dcp::isolation::parse_priority, dcp::isolation::kPriorities);
    } else if (arguments.is("--memory")) {
      options.limits.memory = arguments.number(1, UINT64_MAX / 2);
    } else if (arguments.is("--seconds")) {
      options.limits.cpu_seconds = static_cast<unsigned>(arguments.number(1, 1'000'000));
    } else {
      arguments.refuse();
    }
  }
  if (options.wasmtime.empty()) arguments.wrong("--wasmtime PATH is missing");
  return options;
}

dcp::isolation::Prepared prepare_isolation(dcp::isolation::Policy policy) {
  dcp::isolation::Limits limits;
  limits.descriptors = dcp::isolation::kDescriptorsOfServers;
  limits.threads = kMostThreads;  // functions are compiled in parallel
  return dcp::isolation::prepare(limits, policy);
}

}  // namespace

int main(int count, char** arguments) {
  Options options;
  try {
    options = parse(count, arguments);
  } catch (const dcp::command_line::UsageError& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 2;
  }
  for (const int number : {SIGPIPE, SIGINT, SIGQUIT, SIGTSTP, SIGHUP}) (void)signal(number, SIG_IGN);
  dcp::isolation::allow_all_descriptors();
  if (const auto failure = dcp::isolation::take_priority(options.priority); !failure.empty()) {
    std::fprintf(stderr, "dcp-evaluator: compiling yields too little: %s\n", failure.reason().c_str());
  }
  try {
    const auto prepared = prepare_isolation(options.isolation);
    dcp::compiler::ModuleCache cache(options.cache, options.cache_limit);
    if (!cache.refusal().empty()) {
      std::fprintf(stderr, "dcp-evaluator: compiled WebAssembly is not kept: %s\n", cache.refusal().c_str());
    }
    const std::size_t most = std::max(4u, 2 * std::thread::hardware_concurrency());
    dcp::compiler::Service(cache, prepared, {options.wasmtime, most, dcp::compiler::machine_memory(), options.limits})
        .run(kControl);
    _exit(0);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "dcp-compiler: %s\n", error.what());
    return 1;
  }
}
