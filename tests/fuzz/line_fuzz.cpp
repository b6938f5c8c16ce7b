// Lines in pieces of any size: what comes out, joined, is what went in.
#include <sys/socket.h>

#include <cstdlib>
#include <string>

#include "input.hpp"
#include "runtime/line_channel.hpp"
#include "socket_pair.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  dcp::fuzz::Input input(data, size);
  dcp::test::Pair pair;
  dcp::runtime::LineChannel channel(pair.ours.get(), pair.ours.get());
  std::string sent, got;
  while (!input.at_end()) {
    const std::string_view bytes = input.text();
    if (bytes.empty()) continue;
    if (send(pair.theirs.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL) < 0) std::abort();
    sent += bytes;
    if (!channel.receive()) std::abort();
    while (const auto line = channel.next()) {
      if (line->find('\n') != std::string_view::npos) std::abort();
      got.append(*line).append("\n");
    }
  }
  if (const auto rest = channel.rest()) got += *rest;
  if (got != sent) std::abort();
  return 0;
}
