// dcp-gpu-host: the process that owns the GPU driver for one sandbox.
//
//   dcp-gpu-host --library PATH [LIMITS]   serves the sandbox at the other end of descriptor 3, until it hangs up
//   dcp-gpu-host --library PATH --probe    prints the adapters as JSON, after a shader has run on each;
//                               --probe-opengl: those of OpenGL, which sandboxes cannot get
//   dcp-gpu-host --library PATH --list     prints the adapters that sandboxes can get as JSON
//   dcp-gpu-host --report-isolation        prints each layer as JSON, after it was tried
//
// --probe and --list take, to find out what a driver is refused:
//   --without LAYER,...   leaves layers out: landlock, root, seccomp, rlimits, or all of these
//   --show-refusals       names refused system calls and files on stderr (isolation/refusal_trace.hpp)
// --isolation strict|standard|none: which layers may be missing (isolation/policy.hpp).
// LIMITS: --memory BYTES, --software-memory BYTES, --staging BYTES, --timeout MILLISECONDS, --timestamps
// never|hardware|always; --devices IDENTITY,..., --resting IDENTITY,... and --turn N choose adapters
// (gpu/adapter_identity.hpp). For the owner of several hosts:
//   --check    tries the first adapter before it serves, also where the sandbox asks already; ends where that fails
//   --records  tells how it comes along, on stderr: lines "\x1egone IDENTITY" for each visible adapter that is not
//   there,
//              "\x1eadapter IDENTITY" before it is used for the first time, "\x1eready" before commands but the first
//   --share-shaders  sends its folder of compiled shaders over the socket, before anything else (gpu/shader_folder.hpp)
//
// Exit status: 0 hung up or probed, 1 cannot start, 2 wrong options, 3 the sandbox broke the protocol, 4 a submission
// or the start took too long, or the machine was suspended, 5 the adapter that was to be checked does not work.
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <exception>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "command_line/arguments.hpp"
#include "gpu/adapter_choice.hpp"
#include "gpu/adapter_identity.hpp"
#include "gpu/adapter_info.hpp"
#include "gpu/compilers.hpp"
#include "gpu/compute_check.hpp"
#include "gpu/crash.hpp"
#include "gpu/driver_files.hpp"
#include "gpu/driver_manifests.hpp"
#include "gpu/implicit_layers.hpp"
#include "gpu/library.hpp"
#include "gpu/panic.hpp"
#include "gpu/probe.hpp"
#include "gpu/server.hpp"
#include "gpu/shader_depth.hpp"
#include "gpu/shader_folder.hpp"
#include "gpu/violation.hpp"
#include "gpu/vulkan_devices.hpp"
#include "isolation/gpu_host.hpp"
#include "isolation/policy.hpp"
#include "isolation/priority.hpp"
#include "isolation/trial.hpp"
#include "isolation/verify_child.hpp"
#include "isolation/verify_gpu_host.hpp"

namespace {

using dcp::command_line::Arguments;

constexpr std::string_view kUsage =
    "usage: dcp-gpu-host --library PATH [LIMITS] | --library PATH --probe|--list | --report-isolation\n"
    "The host serves the sandbox at the other end of descriptor 3; dcp-evaluator starts it.";

constexpr int kSocket = 3;

struct Options {
  std::string library;
  bool probe = false;
  bool opengl = false;
  bool list = false;
  bool report_isolation = false;
  bool check = false;
  bool records = false;
  bool share_shaders = false;
  dcp::isolation::Trial trial;
  dcp::isolation::Policy isolation = dcp::isolation::Policy::standard;
  dcp::isolation::Priority priority = dcp::isolation::Priority::normal;
  dcp::gpu::Limits limits;
  dcp::gpu::AdapterChoice choice;
};

std::vector<std::string> names(std::string_view text) {
  std::vector<std::string> found;
  while (!text.empty()) {
    const std::size_t comma = std::min(text.find(','), text.size());
    found.emplace_back(text.substr(0, comma));
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
  return found;
}

/// The layers that are listed; empty where one of them is none.
std::optional<dcp::isolation::LayerSet> layers(std::string_view text) {
  using dcp::isolation::Layer, dcp::isolation::LayerSet;
  constexpr LayerSet limits{Layer::rlimits, Layer::threads};
  constexpr LayerSet others{Layer::landlock, Layer::own_root, Layer::seccomp};
  constexpr std::pair<std::string_view, LayerSet> known[] = {{"landlock", {Layer::landlock}},
                                                             {"root", {Layer::own_root}},
                                                             {"seccomp", {Layer::seccomp}},
                                                             {"rlimits", limits},
                                                             {"all", others.with(limits)}};
  LayerSet listed;
  while (!text.empty()) {
    const std::string_view name = text.substr(0, text.find(','));
    const auto* found =
        std::find_if(std::begin(known), std::end(known), [&](auto& each) { return each.first == name; });
    if (found == std::end(known)) return std::nullopt;
    listed = listed.with(found->second);
    text.remove_prefix(std::min(name.size() + 1, text.size()));
  }
  return listed;
}

std::optional<dcp::gpu::Timestamps> timestamps(std::string_view text) {
  using dcp::gpu::Timestamps;
  if (text == "never") return Timestamps::never;
  if (text == "hardware") return Timestamps::hardware;
  if (text == "always") return Timestamps::always;
  return std::nullopt;
}

bool set_flag(const Arguments& arguments, Options& options) {
  const std::pair<std::string_view, bool*> flags[] = {{"--probe", &options.probe},
                                                      {"--probe-opengl", &options.opengl},
                                                      {"--list", &options.list},
                                                      {"--report-isolation", &options.report_isolation},
                                                      {"--check", &options.check},
                                                      {"--records", &options.records},
                                                      {"--share-shaders", &options.share_shaders},
                                                      {"--show-refusals", &options.trial.trace_refusals}};
  for (const auto& [name, flag] : flags) {
    if (arguments.is(name)) return *flag = true;
  }
  return false;
}

void set_value(Arguments& arguments, Options& options) {
  if (arguments.is("--library")) {
    options.library = arguments.value();
  } else if (arguments.is("--memory")) {
    options.limits.memory = arguments.number(0, UINT64_MAX);
  } else if (arguments.is("--software-memory")) {
    options.limits.software_memory = arguments.number(0, UINT64_MAX);
  } else if (arguments.is("--staging")) {
    options.limits.staging =
        std::clamp(arguments.number(0, UINT64_MAX), dcp::gpu::kSmallestHeap, dcp::gpu::kLargestHeap);
  } else if (arguments.is("--timeout")) {
    options.limits.timeout =
        std::chrono::milliseconds(std::min<std::uint64_t>(arguments.number(0, UINT64_MAX), UINT32_MAX));
  } else if (arguments.is("--timestamps")) {
    options.limits.timestamps = arguments.parsed(timestamps, "never, hardware or always");
  } else if (arguments.is("--devices")) {
    options.choice.all = false;
    options.choice.visible = names(arguments.value());
  } else if (arguments.is("--resting")) {
    options.choice.resting = names(arguments.value());
  } else if (arguments.is("--turn")) {
    options.choice.turn = arguments.number(0, UINT64_MAX);
  } else if (arguments.is("--without")) {
    options.trial.skip = arguments.parsed(layers, "some of landlock,root,seccomp,rlimits, or all");
  } else if (arguments.is("--priority")) {
    options.priority = arguments.parsed(dcp::isolation::parse_priority, dcp::isolation::kPriorities);
  } else if (arguments.is("--isolation")) {
    options.isolation = arguments.parsed(dcp::isolation::parse_policy, "strict, standard or none");
  } else {
    arguments.refuse();
  }
}

Options parse(int count, char** values) {
  Options options;
  Arguments arguments("dcp-gpu-host", kUsage, count, values);
  while (arguments.next()) {
    if (!set_flag(arguments, options)) set_value(arguments, options);
  }
  options.probe |= options.opengl;
  if (options.trial.differs() && !options.probe && !options.list) {
    arguments.wrong("--without and --show-refusals need --probe or --list");
  }
  if (!options.report_isolation && options.library.empty()) arguments.wrong("--library PATH is missing");
  return options;
}

/// Drivers round what they allocate up, and compile shaders.
constexpr std::uint64_t kDriverMemory = std::uint64_t{4} << 30;

dcp::isolation::GpuHostProfile profile_for(const dcp::gpu::Limits& limits) {
  dcp::isolation::GpuHostProfile profile;
  profile.view = dcp::gpu::driver_files();
  profile.keep = kSocket;
  // A software driver's buffers are memory of this process.
  if (limits.memory < UINT64_MAX / 4) profile.memory = 2 * limits.memory + limits.staging + kDriverMemory;
  return profile;
}

/// The profile, once the environment is that of a sealed host.
dcp::isolation::GpuHostProfile prepare(const Options& options) {
  dcp::isolation::GpuHostProfile profile = profile_for(options.limits);
  dcp::gpu::keep_caches_private(profile.view);
  dcp::gpu::keep_implicit_layers_out();
  return profile;
}

/// From here on, whoever takes this process over through the driver or the decoder has what the driver needs, no more.
/// Returns whether the driver may keep what it compiles, in a folder of this host's own.
bool seal(const Options& options) {
  const bool root = geteuid() == 0;
  const dcp::isolation::GpuHostProfile profile = prepare(options);
  const auto report = dcp::isolation::seal_gpu_host(profile);
  const std::string refusal = dcp::isolation::refusal(options.isolation, dcp::isolation::kGpuHostLayers, report, root);
  if (!refusal.empty()) throw std::runtime_error("not isolated: " + refusal);
  const bool has_scratch = is_in_force(report, dcp::isolation::Layer::own_root);
  if (has_scratch) dcp::gpu::cache_shaders_in_scratch();
  return has_scratch;
}

/// With what is left out, and nothing is refused for that: no sandbox is at the other end.
void seal_for_trial(const Options& options) {
  (void)dcp::isolation::seal_gpu_host_for_trial(prepare(options), options.trial);
}

/// Sealed as hosts are, so that what is told is what they find.
[[noreturn]] void tell_adapters(const dcp::gpu::Functions& functions, const Options& options) {
  if (dup2(STDOUT_FILENO, kSocket) < 0) throw std::runtime_error("stdout is not open");
  if (options.trial.differs()) {
    seal_for_trial(options);
  } else {
    (void)seal(options);
  }
  const WGPUInstanceBackend backends = options.opengl ? WGPUInstanceBackend_GL : WGPUInstanceBackend_Vulkan;
  const std::string text = options.probe ? dcp::gpu::probe(functions, backends) : dcp::gpu::list(functions);
  _exit(dprintf(kSocket, "%s\n", text.c_str()) < 0);
}

/// The sandbox learns that the host is gone, before the driver has been torn down.
void hang_up() { shutdown(kSocket, SHUT_RDWR); }

/// Whether the sandbox is gone; ours never writes on the socket, and nothing that others send may stay in it.
bool has_ended(int socket) {
  pollfd state{socket, POLLIN, 0};
  return poll(&state, 1, 0) == 1;
}

/// Commands after which a sandbox that never lets the host rest is looked at.
constexpr unsigned kLongestTurn = 1024;

/// Seconds after which a driver that is not ready ends this process.
constexpr unsigned kLongestStart = 120;

constexpr std::uint64_t kLeastBusy = 1'000'000;  // nanoseconds

/// What the owner of several hosts learns of this one, before a sandbox has had a say.
class Records {
 public:
  explicit Records(bool wanted) : wanted_(wanted) { alarm(kLongestStart); }
  void write(const std::string& text) const {
    if (wanted_) dcp::gpu::say("\x1e" + text);
  }
  /// Once.
  void ready() {
    if (ready_) return;
    ready_ = true;
    alarm(0);
    write("ready");
  }
  /// GPU time so far in nanoseconds: told when it has grown by a twentieth, so seldom, whatever the sandbox does.
  void busy(std::uint64_t time) {
    if (time < told_ + told_ / 20 + kLeastBusy) return;
    told_ = time;
    write("busy " + std::to_string(time / 1000));
  }

 private:
  const bool wanted_;
  bool ready_ = false;
  std::uint64_t told_ = 0;
};

std::vector<dcp::gpu::FoundAdapter> offered_adapters(const dcp::gpu::Functions& functions, const Options& options,
                                                     const Records& records) {
  using namespace dcp::gpu;
  const std::vector<WGPUAdapter> handles = find_adapters(functions, WGPUInstanceBackend_Primary);
  const std::vector<FoundAdapter> found = identify(functions, handles, vulkan_devices());
  for (const std::string& identity : missing(found, options.choice)) records.write("gone " + identity);
  std::vector<FoundAdapter> offered = choose_adapters(functions, found, options.choice);
  if (!offered.empty()) records.write("adapter " + offered.front().identity.text);
  return offered;
}

/// While nobody asks, the driver and its compiler run once, so that they are loaded and set up. --probe is to tell what
/// comes of it, unless it matters here.
void warm_up(const dcp::gpu::Functions& functions, const Options& options, const std::vector<WGPUAdapter>& adapters,
             Records& records) {
  const std::string fault = adapters.empty() ? "" : dcp::gpu::check_compute(functions, adapters.front());
  if (options.check && !fault.empty()) {
    records.write("failed");
    hang_up();
    dcp::gpu::say("dcp-gpu-host: its GPU does not work: " + fault);
    _exit(5);
  }
  records.ready();
}

/// Runs `body` in a thread with that stack, until it returns.
void run_in_thread(std::size_t stack, std::function<void()> body) {
  pthread_attr_t attributes;
  pthread_t thread;
  const auto run = [](void* function) -> void* {
    (*static_cast<std::function<void()>*>(function))();
    return nullptr;
  };
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, stack);
  const int error = pthread_create(&thread, &attributes, run, &body);
  pthread_attr_destroy(&attributes);
  if (error != 0) throw std::system_error(error, std::generic_category(), "a thread for commands");
  pthread_join(thread, nullptr);
}

/// Looks after the GPU while there is no command.
struct Attention : dcp::gpu::CommandReader::Beside {
  explicit Attention(dcp::gpu::Server& of) : server(of) {}
  void look() override { server.look(); }
  void sleep() override { server.hand_over(); }
  dcp::gpu::Server& server;
};

/// Carries out commands until a panic has spent this thread (gpu/panic.hpp), or the process ends.
void carry_out_commands(dcp::gpu::Server& server, dcp::gpu::CommandReader& reader, Records& records) {
  std::vector<std::uint32_t> command;
  unsigned executed = 0;
  Attention attention(server);
  // The driver's threads are left as they are, whatever ends the host: the kernel ends them faster than they end
  // themselves.
  try {
    for (;;) {
      while (reader.next(command)) {
        server.execute(command);
        records.ready();
        reader.release();
        if (server.replies().is_crowded()) server.hand_over();
        if (!server.replies().drain(kSocket)) _exit(0);
        if (dcp::gpu::thread_is_spent()) return;
        if (++executed % kLongestTurn == 0 && has_ended(kSocket)) _exit(0);
      }
      records.ready();
      server.replies().flush();
      if (!reader.wait(kSocket, attention)) _exit(0);
    }
  } catch (const dcp::gpu::Violation& violation) {
    dcp::gpu::say(std::string("dcp-gpu-host: the sandbox broke the protocol: ") + violation.what());
    _exit(3);
  } catch (const std::exception& error) {
    dcp::gpu::say(std::string("dcp-gpu-host: ") + error.what());
    _exit(1);
  }
}

void serve(dcp::gpu::Functions& functions, const Options& options) {
  using namespace dcp::gpu;
  Region region(options.limits.staging);
  region.send_hello(kSocket);
  Records records(options.records);
  std::vector<WGPUAdapter> adapters;
  for (const FoundAdapter& adapter : offered_adapters(functions, options, records)) adapters.push_back(adapter.handle);
  const auto end = [&records](const char* reason) {
    records.write("failed");
    hang_up();
    say(std::string("dcp-gpu-host: ") + reason);
    _exit(4);
  };
  Server server(
      functions, adapters, region, options.limits, end, [](const std::string& line) { say("dcp-gpu-host: " + line); },
      [&records](std::uint64_t time) { records.busy(time); });
  watch_for_crashes([&server, &records](const std::string& reason) {
    records.write("failed");
    server.lose_devices(reason);
    hang_up();
  });
  guard_compilers(functions, [&server](const std::string& text) { server.compiler_panicked(text); });
  CommandReader reader(region);
  if (options.check || !reader.has_more()) warm_up(functions, options, adapters, records);
  for (;;) {
    run_in_thread(kCompilerStack, [&] {
      const SignalStack stack;
      carry_out_commands(server, reader, records);
    });
  }
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  try {
    options = parse(argc, argv);
  } catch (const dcp::command_line::UsageError& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 2;
  }
  signal(SIGPIPE, SIG_IGN);
  // Before the driver has threads.
  if (const auto failure = dcp::isolation::take_priority(options.priority); !failure.empty()) {
    dcp::gpu::say("dcp-evaluator: the GPU host yields too little: " + failure.reason());
  }
  // Mesa looks for a Wayland display and complains on stderr where the variable is missing.
  setenv("XDG_RUNTIME_DIR", "/nonexistent", 0);
  dcp::gpu::name_manifests_elsewhere();
  try {
    if (options.report_isolation) {
      const auto report = dcp::isolation::verify_gpu_host(profile_for(options.limits));
      std::fputs(dcp::isolation::to_json(report).c_str(), stdout);
      return std::fflush(stdout) == 0 ? 0 : 1;
    }
    dcp::gpu::Functions functions;
    dcp::gpu::open_library(options.library, functions);
    if (options.probe || options.list) tell_adapters(functions, options);
    if (fcntl(kSocket, F_GETFD) < 0) throw std::runtime_error("descriptor 3 is not open: it is to be the socket");
    const bool keeps_shaders = seal(options);
    if (options.share_shaders) dcp::gpu::send_shader_folder(kSocket, keeps_shaders);
    serve(functions, options);
  } catch (const std::exception& error) {
    dcp::gpu::say(std::string("dcp-gpu-host: ") + error.what());
    _exit(1);
  }
  return 0;
}
