// dcp-gpu-host: the process that owns the GPU driver for one sandbox.
//
//   dcp-gpu-host --library PATH            serves the sandbox at the other end of descriptor 3, until it hangs up
//   dcp-gpu-host --library PATH --probe    prints the adapters as JSON
//
// Exit status: 0 hung up or probed, 1 cannot start, 2 wrong options, 3 the sandbox broke the protocol.
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cstdio>
#include <exception>
#include <string>
#include <vector>

#include "gpu/adapter_info.hpp"
#include "gpu/library.hpp"
#include "gpu/probe.hpp"
#include "gpu/server.hpp"
#include "gpu/violation.hpp"

namespace {

constexpr int kSocket = 3;

struct Options {
  std::string library;
  bool probe = false;
};

bool parse(int argc, char** argv, Options& options) {
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    if (argument == "--library" && i + 1 < argc) {
      options.library = argv[++i];
    } else if (argument == "--probe") {
      options.probe = true;
    } else {
      std::fprintf(stderr, "dcp-gpu-host: unknown option %s\n", argument.c_str());
      return false;
    }
  }
  if (options.library.empty()) std::fprintf(stderr, "dcp-gpu-host: --library PATH is missing\n");
  return !options.library.empty();
}

void serve(const dcp::gpu::Functions& functions) {
  using namespace dcp::gpu;
  Region region;
  region.send_hello(kSocket);
  Server server(functions, find_adapters(functions, WGPUInstanceBackend_Primary), region);
  CommandReader reader(region);
  std::vector<std::uint32_t> command;
  for (;;) {
    while (reader.next(command)) {
      server.execute(command);
      reader.release();
      if (!server.replies().drain(kSocket)) _exit(0);
    }
    server.replies().flush();
    // The driver's threads are left as they are: the kernel ends them faster than they end themselves.
    if (!reader.wait(kSocket)) _exit(0);
  }
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  if (!parse(argc, argv, options)) return 2;
  signal(SIGPIPE, SIG_IGN);
  if (!options.probe) prctl(PR_SET_PDEATHSIG, SIGKILL);
  // Mesa looks for a Wayland display and complains on stderr where the variable is missing.
  setenv("XDG_RUNTIME_DIR", "/nonexistent", 0);
  try {
    dcp::gpu::Functions functions;
    dcp::gpu::open_library(options.library, functions);
    if (options.probe) {
      std::printf("%s\n", dcp::gpu::probe(functions).c_str());
      std::fflush(stdout);
      _exit(0);
    }
    if (fcntl(kSocket, F_GETFD) < 0) throw std::runtime_error("descriptor 3 is not open: it is to be the socket");
    serve(functions);
  } catch (const dcp::gpu::Violation& violation) {
    std::fprintf(stderr, "dcp-gpu-host: the sandbox broke the protocol: %s\n", violation.what());
    _exit(3);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "dcp-gpu-host: %s\n", error.what());
    _exit(1);
  }
  return 0;
}
