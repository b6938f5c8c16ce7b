// Lines in pieces of any size: what comes out, joined, is what went in, less carriage returns in front of newlines.
// Whether the first one is another protocol's does not depend on the pieces.
#include <sys/socket.h>

#include <cstdlib>
#include <string>

#include "input.hpp"
#include "runtime/line_channel.hpp"
#include "sandbox/first_line.hpp"
#include "socket_pair.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  dcp::fuzz::Input input(data, size);
  dcp::test::Pair pair;
  dcp::runtime::LineChannel channel(pair.ours.get(), pair.ours.get());
  dcp::sandbox::FirstLine first, first_at_once;
  bool passes = true;
  std::string sent, got;
  const auto take = [&](const dcp::runtime::LineChannel::Part& part) {
    if (part.bytes.find('\n') != std::string_view::npos) std::abort();
    got.append(part.bytes).append(part.ends ? "\n" : "");
  };
  while (!input.at_end()) {
    const std::string_view bytes = input.text();
    if (bytes.empty()) continue;
    if (send(pair.theirs.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL) < 0) std::abort();
    sent += bytes;
    if (!channel.receive()) std::abort();
    passes = passes && first.add(channel.received());
    while (const auto part = channel.next()) take(*part);
  }
  if (const auto rest = channel.rest()) take(*rest);
  if ((passes && first.finish()) != (first_at_once.add(sent) && first_at_once.finish())) std::abort();
  const bool whole = sent.empty() || sent.ends_with('\n');
  if (!whole) sent += '\n';
  for (std::size_t at = sent.find("\r\n"); at != std::string::npos; at = sent.find("\r\n", at + 1)) sent.erase(at, 1);
  if (got != sent) std::abort();
  return 0;
}
