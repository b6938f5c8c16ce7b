// How many commands a second the GPU host takes from the ring and decodes: setPipeline, setBindGroup and
// dispatchWorkgroups, in turn, as a sandbox sends them. The functions behind are empty: wgpu-native is not measured.
//
// Prints a line with commands a second for each round.
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <vector>

#include "gpu/device.hpp"
#include "gpu/region.hpp"
#include "gpu/server.hpp"

using namespace dcp::gpu;

namespace {

constexpr int kRounds = 9;
constexpr std::uint32_t kCommandsARound = 3'000'000;
constexpr std::uint32_t kDevice = 1, kPass = 2, kPipeline = 3, kGroup = 4;

int handle;

std::uint32_t calls = 0;

void* nothing() {
  ++calls;
  return &handle;
}

Functions empty_functions() {
  Functions functions = {};
  for_each_function(functions, [](const char*, void** function) { *function = reinterpret_cast<void*>(&nothing); });
  return functions;
}

void add_objects(Server& server, const std::shared_ptr<Device>& device) {
  const auto object = [&](Kind kind) { return Object{kind, &handle, true, device, nullptr, nullptr, {}}; };
  server.add(kDevice, object(Kind::device));
  Object& pass = server.add(kPass, object(Kind::compute_pass_encoder));
  pass.usage = std::make_shared<Usage>();
  server.add(kPipeline, object(Kind::compute_pipeline));
  Object& group = server.add(kGroup, object(Kind::bind_group));
  group.resource = std::make_shared<Resource>();
  // A sandbox with a few thousand objects.
  for (std::uint32_t id = 100; id < 5000; ++id) server.add(id, object(Kind::sampler));
}

std::vector<std::uint32_t> commands() {
  const auto header = [](Opcode opcode, std::uint32_t words) {
    return message_header(static_cast<std::uint32_t>(opcode), words);
  };
  return {header(Opcode::GPUComputePassEncoder_setPipeline, 3),        kPass, kPipeline,             //
          header(Opcode::GPUComputePassEncoder_setBindGroup, 5),       kPass, 0,         kGroup, 0,  //
          header(Opcode::GPUComputePassEncoder_dispatchWorkgroups, 5), kPass, 64,        1,      1};
}

/// Fills the ring, as far as it goes without wrapping, from `position` on; returns the new position.
std::uint32_t fill(Region& region, std::uint32_t position, const std::vector<std::uint32_t>& words) {
  std::uint32_t index = position % kCommandWords;
  while (index + words.size() + 1 < kCommandWords) {
    std::memcpy(region.commands() + index, words.data(), words.size() * sizeof(std::uint32_t));
    index += static_cast<std::uint32_t>(words.size());
  }
  region.commands()[index] = message_header(0, kCommandWords - index);
  return position - position % kCommandWords + kCommandWords;
}

double round(Server& server, Region& region, CommandReader& reader, std::uint32_t& position) {
  const std::vector<std::uint32_t> words = commands();
  std::chrono::steady_clock::duration time{};
  std::vector<std::uint32_t> command;
  std::uint32_t done = 0;
  calls = 0;
  while (done < kCommandsARound) {
    position = fill(region, position, words);
    region.header().commands.write = position;
    const auto begun = std::chrono::steady_clock::now();
    for (; reader.next(command); ++done) {  // as host_main.cpp does
      server.execute(command);
      reader.release();
      server.replies().drain(-1);
    }
    time += std::chrono::steady_clock::now() - begun;
  }
  if (calls != done) std::abort();
  return done / std::chrono::duration<double>(time).count();
}

}  // namespace

int main() {
  const Functions functions = empty_functions();
  Region region;
  Server server(functions, {}, region);
  add_objects(server, std::make_shared<Device>(kDevice, functions, server.replies()));
  CommandReader reader(region);
  std::uint32_t position = 0;
  for (int i = 0; i < kRounds; ++i) std::printf("%.0f\n", round(server, region, reader, position));
  return 0;
}
