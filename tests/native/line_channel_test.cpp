// Lines over a descriptor: however they are cut, they come whole and in order.
#include "runtime/line_channel.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <random>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

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
  std::string line;
  do {
    while (const auto part = channel.next()) {
      line += part->bytes;
      if (part->ends) lines.push_back(std::exchange(line, {}));
    }
  } while (channel.receive());
  if (const auto last = channel.rest()) lines.push_back("rest:" + line + std::string(last->bytes));
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
    std::vector<std::string> lines = {"", "a", "", std::string("nul\0in it", 9), "\xE2\x82\xAC", "\r", "carriage\r\rs"};
    for (int i = 0; i < 200; ++i) lines.emplace_back(random() % 300, static_cast<char>('a' + i % 26));
    if (most > 4096) lines.insert(lines.end(), {std::string(3'000'000, 'z'), "", std::string(2'000'000, '\r')});
    std::string text;
    for (const std::string& line : lines) text += line + (random() % 2 == 0 ? "\n" : "\r\n");
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
    for (std::string& line : lines) {
      if (line.ends_with('\r')) line.pop_back();  // where a bare newline followed, too
    }
    for (std::string& line : found) {
      if (line.ends_with('\r')) line.pop_back();
    }
    CHECK_EQ(found, lines);
  }
}

void a_long_line_is_not_held() {
  Pair pair;
  std::thread writer([&] {
    const std::string bytes(1'000'000, 'x');
    for (int i = 0; i < 20; ++i) CHECK(write(pair.theirs.get(), bytes.data(), bytes.size()) > 0);
    CHECK_EQ(write(pair.theirs.get(), "\r\nnext\n", 7), 7);
    pair.theirs = Descriptor();
  });
  LineChannel channel(pair.ours.get(), pair.ours.get());
  std::size_t size = 0, longest = 0;
  for (bool ended = false; !ended;) {
    auto part = channel.next();
    if (!part && !channel.receive()) break;
    if (!part) continue;
    size += part->bytes.size();
    longest = std::max(longest, part->bytes.size());
    ended = part->ends;
  }
  CHECK_EQ(size, 20'000'000);
  CHECK(longest <= 1 << 19);
  CHECK_EQ(all_lines(channel), std::vector<std::string>{"next"});
  writer.join();
}

void an_end_without_a_rest() {
  Pair pair;
  CHECK_EQ(write(pair.theirs.get(), "one\n", 4), 4);
  pair.theirs = Descriptor();
  LineChannel channel(pair.ours.get(), pair.ours.get());
  CHECK_EQ(all_lines(channel), std::vector<std::string>{"one"});
  CHECK(!channel.rest());
}

// Both directions at once, over a descriptor that does not block: writing waits for the peer and loses nothing.
void writing_waits_for_a_slow_reader() {
  Pair pair;
  CHECK_EQ(fcntl(pair.ours.get(), F_SETFL, O_NONBLOCK), 0);
  std::thread writer([&] {
    LineChannel channel(pair.ours.get(), pair.ours.get());
    for (int i = 0; i < 50; ++i) CHECK(channel.write_line(std::string(40'000, static_cast<char>('a' + i % 26))));
    CHECK(channel.write_line(""));
    shutdown(pair.ours.get(), SHUT_WR);
  });
  LineChannel reader(pair.theirs.get(), pair.theirs.get());
  const auto lines = all_lines(reader);
  writer.join();
  CHECK_EQ(lines.size(), 51);
  for (std::size_t i = 0; i + 1 < lines.size(); ++i) {
    CHECK_EQ(lines[i], std::string(40'000, static_cast<char>('a' + i % 26)));
  }
  CHECK(lines.back().empty());
}

void a_pipe_whose_reader_leaves() {
  int ends[2];
  CHECK_EQ(pipe(ends), 0);
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
  a_long_line_is_not_held();
  an_end_without_a_rest();
  writing_waits_for_a_slow_reader();
  a_pipe_whose_reader_leaves();
  return dcp::test::failures != 0;
}
