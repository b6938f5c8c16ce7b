// Lines over a descriptor: however they are cut, they come whole and in order.
#include "runtime/line_channel.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <random>
#include <stdexcept>
#include <string>
#include <thread>

#include "check.hpp"
#include "ipc/descriptor.hpp"
#include "socket_pair.hpp"

using dcp::ipc::Descriptor;
using dcp::runtime::LineChannel;
using dcp::test::Pair;

namespace {

// Every line until the end of the input, the unfinished one last.
std::vector<std::string> all_lines(LineChannel& channel) {
  std::vector<std::string> lines;
  do {
    while (const auto line = channel.next()) lines.emplace_back(*line);
  } while (channel.receive());
  if (const auto last = channel.rest()) lines.push_back("rest:" + std::string(*last));
  return lines;
}

void send_in_pieces(int fd, const std::string& text, std::mt19937& random, std::size_t most) {
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t size = std::min<std::size_t>(text.size() - at, 1 + random() % most);
    const ssize_t sent = write(fd, text.data() + at, size);
    if (sent <= 0) throw std::runtime_error("write");
    at += static_cast<std::size_t>(sent);
  }
}

void lines_survive_any_cut() {
  std::mt19937 random(11);
  for (const std::size_t most : {1U, 7U, 4096U, 300'000U}) {
    std::vector<std::string> lines = {"", "a", "", std::string("nul\0in it", 9), "\xE2\x82\xAC", "carriage\r"};
    for (int i = 0; i < 200; ++i) lines.emplace_back(random() % 300, static_cast<char>('a' + i % 26));
    if (most > 4096) lines.emplace_back(3'000'000, 'z');
    std::string text;
    for (const std::string& line : lines) text += line + '\n';
    Pair pair;
    std::thread writer([&] {
      send_in_pieces(pair.theirs.get(), text + "unfinished", random, most);
      pair.theirs = Descriptor();
    });
    LineChannel channel(pair.ours.get(), pair.ours.get());
    auto found = all_lines(channel);
    writer.join();
    CHECK(!found.empty() && found.back() == "rest:unfinished");
    if (!found.empty()) found.pop_back();
    CHECK(found == lines);
  }
}

void an_end_without_a_rest() {
  Pair pair;
  CHECK(write(pair.theirs.get(), "one\n", 4) == 4);
  pair.theirs = Descriptor();
  LineChannel channel(pair.ours.get(), pair.ours.get());
  CHECK(all_lines(channel) == std::vector<std::string>{"one"});
  CHECK(!channel.rest());
}

// Both directions at once, over a descriptor that does not block: writing waits for the peer and loses nothing.
void writing_waits_for_a_slow_reader() {
  Pair pair;
  CHECK(fcntl(pair.ours.get(), F_SETFL, O_NONBLOCK) == 0);
  std::thread writer([&] {
    LineChannel channel(pair.ours.get(), pair.ours.get());
    for (int i = 0; i < 50; ++i) CHECK(channel.write_line(std::string(40'000, static_cast<char>('a' + i % 26))));
    CHECK(channel.write_line(""));
    shutdown(pair.ours.get(), SHUT_WR);
  });
  LineChannel reader(pair.theirs.get(), pair.theirs.get());
  const auto lines = all_lines(reader);
  writer.join();
  CHECK(lines.size() == 51);
  for (std::size_t i = 0; i + 1 < lines.size(); ++i) {
    CHECK(lines[i] == std::string(40'000, static_cast<char>('a' + i % 26)));
  }
  CHECK(lines.back().empty());
}

void a_pipe_whose_reader_leaves() {
  int ends[2];
  CHECK(pipe(ends) == 0);
  close(ends[0]);
  const Descriptor out(ends[1]);
  LineChannel channel(-1, out.get());
  CHECK(!channel.write_line("nobody listens"));
  channel.drain();
}

}  // namespace

int main() {
  signal(SIGPIPE, SIG_IGN);
  lines_survive_any_cut();
  an_end_without_a_rest();
  writing_waits_for_a_slow_reader();
  a_pipe_whose_reader_leaves();
  return dcp::test::failures != 0;
}
