// The command stream of a sandbox: ring, decoder, guards, hand-written commands. The input is the command ring, and
// its bytes are what the heap holds too. wgpu-native is a table of fakes that check what they are handed.
#include <algorithm>
#include <cstring>
#include <memory>
#include <vector>

#include "fake_wgpu.hpp"
#include "gpu/region.hpp"
#include "gpu/server.hpp"
#include "gpu/violation.hpp"

using namespace dcp::gpu;

namespace {

constexpr std::size_t kMostWords = 1 << 14;

/// Small, so that they are reached. A timer makes many buffers: for some inputs only.
Limits limits(std::size_t size) {
  Limits limits;
  limits.memory = 1 << 16;
  limits.staging = 1 << 10;
  limits.timestamps = size % 32 == 0 ? Timestamps::always : Timestamps::never;
  return limits;
}

void run(Server& server, Region& region) {
  CommandReader reader(region);
  std::vector<std::uint32_t> command;
  try {
    while (reader.next(command)) {
      server.execute(command);
      reader.release();
      // A client that reads its replies at once.
      region.header().replies.read.store(region.header().replies.write.load());
    }
  } catch (const Violation&) {
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::size_t words = std::min(size / 4, kMostWords);
  Region region;
  if (words > 0) std::memcpy(region.commands(), data, words * 4);
  if (size > 0) std::memcpy(region.heap(), data, std::min(size, kMostWords * 4));
  region.header().commands.write = static_cast<std::uint32_t>(words);
  {
    auto server = std::make_unique<Server>(dcp::fuzz::fake_functions(), std::vector{dcp::fuzz::fake_adapter()}, region,
                                           limits(size));
    run(*server, region);
    // Devices are released by threads of their own, which still use the server.
    while (!server->objects().empty()) server->remove(server->objects().begin()->first);
    dcp::fuzz::wait_for_devices();
  }
  dcp::fuzz::forget_all();
  return 0;
}
