#include "sandbox/control_socket.hpp"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <stdexcept>

namespace dcp::sandbox {
namespace {

constexpr std::size_t kMaxMessage = 4096;     // bytes of a request, and of an answer
constexpr std::size_t kMaxId = 64;            // characters
constexpr std::size_t kSpawnDescriptors = 3;  // in, out, service socket

bool is_id(std::string_view text) {
  return !text.empty() && text.size() <= kMaxId && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_' || c == '.' ||
           (c == '-');
  });
}

}  // namespace

Request parse_request(const ipc::Packet& message) {
  Request request{Request::Kind::bad, "-", ""};
  const std::string_view text = message.bytes;
  const std::size_t space = text.find(' ');
  const std::string_view verb = text.substr(0, space);
  const std::string_view id = space == std::string_view::npos ? std::string_view() : text.substr(space + 1);
  if (is_id(id)) request.id = id;
  if (message.starved) {
    request.reason =
        "the process that makes sandboxes has too many files open; use fewer sandboxes, or raise the limit with "
        "ulimit -n";
  } else if (message.truncated) {
    request.reason = "the message is too long or has too many descriptors";
  } else if (verb != "spawn" && verb != "kill") {
    request.reason = "unknown message; spawn ID and kill ID are known";
  } else if (request.id == "-") {
    request.reason = "an ID is 1 to 64 letters, digits, '.', '_' and '-'";
  } else if (verb == "spawn" && message.descriptors.size() != kSpawnDescriptors) {
    request.reason =
        "spawn needs 3 descriptors (in, out, service socket), not " + std::to_string(message.descriptors.size());
  } else {
    request.kind = verb == "spawn" ? Request::Kind::spawn : Request::Kind::kill;
  }
  return request;
}

ControlSocket::ControlSocket(int fd) : fd_(fd) {
  int type = 0;
  socklen_t size = sizeof type;
  if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) != 0 || type != SOCK_SEQPACKET) {
    throw std::runtime_error("descriptor 3 is no seqpacket socket; the zygote is started by dcp-evaluator");
  }
}

void ControlSocket::send(std::string text) {
  text.resize(std::min(text.size(), kMaxMessage));
  queue_.push_back(std::move(text));
}

void ControlSocket::send_queued() {
  while (!queue_.empty()) {
    const std::string& text = queue_.front();
    if (::send(fd_, text.data(), text.size(), MSG_DONTWAIT | MSG_NOSIGNAL) < 0) {
      if (errno == EINTR) continue;
      if (errno == EAGAIN || errno == ENOBUFS) return;
      queue_.clear();  // the peer is gone, which receive() tells
      return;
    }
    queue_.pop_front();
  }
}

void ControlSocket::flush() {
  for (send_queued(); has_queued(); send_queued()) {
    pollfd waiting{fd_, POLLOUT, 0};
    if (poll(&waiting, 1, 1000) == 0) return;
  }
}

ipc::Received ControlSocket::receive(ipc::Packet& message) {
  return ipc::receive_packet(fd_, message, kMaxMessage, MSG_DONTWAIT);
}

int ControlSocket::ask_compiler(std::string& reason) {
  send("compiler");
  flush();
  ipc::Packet answer;
  if (ipc::receive_packet(fd_, answer, kMaxMessage) != ipc::Received::packet) {
    reason = "the evaluator does not answer";
    return -1;
  }
  if (answer.descriptors.size() == 1) return answer.descriptors[0].release();
  reason = answer.bytes;
  return -1;
}

}  // namespace dcp::sandbox
