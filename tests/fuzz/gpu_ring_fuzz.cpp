// The rings' positions and words, moved between any two steps of the host. The input is a list of steps.
#include <cstdlib>
#include <vector>

#include "gpu/region.hpp"
#include "gpu/replies.hpp"
#include "gpu/violation.hpp"
#include "input.hpp"

using namespace dcp::gpu;

namespace {

void step(dcp::fuzz::Input& input, Region& region, CommandReader& reader, ReplyWriter& replies) {
  Header& header = region.header();
  std::vector<std::uint32_t> command;
  switch (input.byte() % 8) {
    case 0:
      header.commands.write = input.u32();
      return;
    case 1:
      header.commands.write += input.byte();
      return;
    case 2: {
      const std::uint32_t index = input.u32() % kCommandWords;
      region.commands()[index] = input.u32();
      return;
    }
    case 3:
      header.replies.read = input.u32();
      return;
    case 4:
      header.commands.wants_room = input.byte();
      header.replies.asleep = input.byte();
      return reader.release();
    case 5:
      return replies.send(reply::UncapturedError{input.byte(), WGPUErrorFilter_Internal, std::string(input.text())});
    case 6:
      header.replies.read.store(header.replies.write.load());
      return replies.flush();
    default:
      if (!reader.next(command)) return;
      if (command.empty() || command.size() > kCommandWords || message_words(command[0]) != command.size())
        std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  dcp::fuzz::Input input(data, size);
  Region region;
  CommandReader reader(region);
  ReplyWriter replies(region);
  try {
    while (!input.at_end()) step(input, region, reader, replies);
  } catch (const Violation&) {
  }
  return 0;
}
