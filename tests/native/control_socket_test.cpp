// Requests to the zygote: what is one, what is not and why; nothing that arrives leaks a descriptor.
#include "sandbox/control_socket.hpp"

#include <dirent.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <cstring>
#include <random>
#include <stdexcept>

#include "check.hpp"

using namespace dcp::sandbox;
using dcp::ipc::Descriptor;
using dcp::ipc::Received;
using Kind = Request::Kind;

namespace {

struct Pair {
  explicit Pair(int type = SOCK_SEQPACKET) {
    int fds[2];
    if (socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, fds) != 0) throw std::runtime_error("socketpair");
    ours = Descriptor(fds[0]);
    theirs = Descriptor(fds[1]);
  }
  Descriptor ours, theirs;
};

std::size_t open_descriptors() {
  DIR* folder = opendir("/proc/self/fd");
  std::size_t count = 0;
  while (readdir(folder) != nullptr) ++count;
  closedir(folder);
  return count;
}

Request request(std::string text, std::size_t descriptors = 0, bool truncated = false) {
  dcp::ipc::Packet message;
  message.bytes = std::move(text);
  message.truncated = truncated;
  for (std::size_t i = 0; i < descriptors; ++i) message.descriptors.emplace_back(dup(0));
  return parse_request(message);
}

void requests_are_told_apart() {
  CHECK_EQ(request("spawn a-1_B.c", 3).kind, Kind::spawn);
  CHECK_EQ(request("spawn a-1_B.c", 3).id, "a-1_B.c");
  CHECK_EQ(request("kill 7").kind, Kind::kill);
  CHECK_EQ(request("kill " + std::string(64, 'x')).kind, Kind::kill);
}

void bad_requests_have_a_reason_and_an_id_where_it_is_one() {
  const std::string bad[] = {"",         " ",         "spawn",      "spawn ",
                             "kill",     "kill a b",  "SPAWN 1",    "spawned 1",
                             "kill a\n", "kill \xFF", "kill  1",    "kill " + std::string(65, 'x'),
                             "exec 1",   "spawn1",    "kill a/../b"};
  for (const std::string& text : bad) {
    const Request found = request(text, 3);
    CHECK(found.kind == Kind::bad && !found.reason.empty());
  }
  for (const std::size_t descriptors : {0U, 1U, 2U, 4U}) {
    const Request found = request("spawn 9", descriptors);
    CHECK(found.kind == Kind::bad && found.id == "9");
    CHECK(found.reason.find(std::to_string(descriptors)) != std::string::npos);
  }
  CHECK_EQ(request("kill 1", 0, true).kind, Kind::bad);
  CHECK_EQ(request("exec 5").id, "5");
  CHECK_EQ(request("kill \x01").id, "-");
}

void random_text_is_no_request() {
  std::mt19937 random(3);
  for (int round = 0; round < 20'000; ++round) {
    std::string text = random() % 2 ? "kill " : "";
    for (std::size_t size = random() % 80; size > 0; --size) text += static_cast<char>(random());
    const Request found = request(text);
    const bool is_kill = found.kind == Kind::kill;
    CHECK_EQ(is_kill, (found.reason.empty() && text == "kill " + found.id));
  }
}

void messages_arrive_with_their_descriptors() {
  Pair pair;
  ControlSocket control(pair.ours.get());
  const std::size_t before = open_descriptors();
  const int fds[] = {0, 1, 2};
  CHECK(dcp::ipc::send_packet(pair.theirs.get(), "c", fds));
  dcp::ipc::Packet message;
  CHECK_EQ(control.receive(message), Received::packet);
  CHECK(message.bytes == "c" && message.descriptors.size() == 3 && !message.truncated);
  CHECK_EQ(open_descriptors(), before + 3);
  message = {};
  CHECK_EQ(open_descriptors(), before);
  CHECK_EQ(control.receive(message), Received::nothing);
}

// More descriptors than any request has: those that arrived are closed.
void too_much_is_truncated_and_leaks_nothing() {
  Pair pair;
  ControlSocket control(pair.ours.get());
  const std::size_t before = open_descriptors();
  constexpr std::size_t kMany = 20;
  alignas(cmsghdr) char space[CMSG_SPACE(kMany * sizeof(int))] = {};
  char byte = 'x';
  iovec part{&byte, 1};
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  header.msg_control = space;
  header.msg_controllen = sizeof space;
  cmsghdr* rights = CMSG_FIRSTHDR(&header);
  rights->cmsg_level = SOL_SOCKET;
  rights->cmsg_type = SCM_RIGHTS;
  rights->cmsg_len = CMSG_LEN(kMany * sizeof(int));
  std::memset(CMSG_DATA(rights), 0, kMany * sizeof(int));  // descriptor 0, many times
  CHECK_EQ(sendmsg(pair.theirs.get(), &header, 0), 1);
  {
    dcp::ipc::Packet message;
    CHECK_EQ(control.receive(message), Received::packet);
    CHECK(message.truncated);
  }
  CHECK_EQ(open_descriptors(), before);
  const std::string long_text(10'000, 'k');
  CHECK_EQ(send(pair.theirs.get(), long_text.data(), long_text.size(), 0), 10'000);
  dcp::ipc::Packet message;
  CHECK_EQ(control.receive(message), Received::packet);
  CHECK(message.truncated && parse_request(message).kind == Kind::bad);
}

void an_empty_packet_is_no_end() {
  Pair pair;
  ControlSocket control(pair.ours.get());
  CHECK_EQ(send(pair.theirs.get(), "", 0, 0), 0);
  dcp::ipc::Packet message;
  CHECK_EQ(control.receive(message), Received::packet);
  CHECK_EQ(parse_request(message).kind, Kind::bad);
  pair.theirs = Descriptor();
  CHECK_EQ(control.receive(message), Received::closed);
}

void answers_wait_until_the_peer_reads() {
  Pair pair;
  ControlSocket control(pair.ours.get());
  std::size_t queued = 0;
  while (control.accepts_requests()) {
    control.send("exited " + std::to_string(queued++));
    control.send_queued();
  }
  CHECK(control.has_queued());
  char text[100];
  for (std::size_t i = 0; i < queued; ++i) {
    const ssize_t size = recv(pair.theirs.get(), text, sizeof text, 0);
    CHECK(size > 0 && std::string(text, static_cast<std::size_t>(size)) == "exited " + std::to_string(i));
    control.send_queued();
  }
  CHECK(!control.has_queued() && control.accepts_requests());
  pair.theirs = Descriptor();
  control.send("nobody reads");
  control.flush();
  CHECK(!control.has_queued());
}

void another_kind_of_socket_is_refused() {
  const Pair pair(SOCK_STREAM);
  bool refused = false;
  try {
    const ControlSocket control(pair.ours.get());
  } catch (const std::runtime_error&) {
    refused = true;
  }
  CHECK(refused);
}

}  // namespace

int main() {
  requests_are_told_apart();
  bad_requests_have_a_reason_and_an_id_where_it_is_one();
  random_text_is_no_request();
  messages_arrive_with_their_descriptors();
  too_much_is_truncated_and_leaks_nothing();
  an_empty_packet_is_no_end();
  answers_wait_until_the_peer_reads();
  another_kind_of_socket_is_refused();
  return dcp::test::failures != 0;
}
