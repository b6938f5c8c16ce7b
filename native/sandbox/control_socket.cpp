#include "sandbox/control_socket.hpp"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <stdexcept>

namespace dcp::sandbox {
namespace {

constexpr std::size_t kMaxMessage = 4096;     // bytes of a request, and of an answer
constexpr std::size_t kMaxId = 64;            // characters
constexpr std::size_t kSpawnDescriptors = 3;  // in, out, broker
constexpr std::size_t kMaxDescriptors = 8;    // more than any request has

bool is_id(std::string_view text) {
  return !text.empty() && text.size() <= kMaxId && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_' || c == '.' ||
           (c == '-');
  });
}

/// Appends the descriptors of a received message, so that all are closed whatever becomes of it.
template <typename Take>
void take_descriptors(msghdr& header, Take take) {
  for (cmsghdr* part = CMSG_FIRSTHDR(&header); part != nullptr; part = CMSG_NXTHDR(&header, part)) {
    if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(part) + i * sizeof(int), sizeof fd);
      take(fd);
    }
  }
}

}  // namespace

Request parse_request(const ControlMessage& message) {
  Request request{Request::Kind::bad, "-", ""};
  const std::string_view text = message.text;
  const std::size_t space = text.find(' ');
  const std::string_view verb = text.substr(0, space);
  const std::string_view id = space == std::string_view::npos ? std::string_view() : text.substr(space + 1);
  if (is_id(id)) request.id = id;
  if (message.truncated) {
    request.reason = "the message is too long or has too many descriptors";
  } else if (verb != "spawn" && verb != "kill") {
    request.reason = "unknown message; spawn ID and kill ID are known";
  } else if (request.id == "-") {
    request.reason = "an ID is 1 to 64 letters, digits, '.', '_' and '-'";
  } else if (verb == "spawn" && message.descriptors.size() != kSpawnDescriptors) {
    request.reason = "spawn needs 3 descriptors (in, out, broker), not " + std::to_string(message.descriptors.size());
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

ControlSocket::State ControlSocket::receive(ControlMessage& message) {
  char text[kMaxMessage];
  alignas(cmsghdr) char control[CMSG_SPACE(kMaxDescriptors * sizeof(int))];
  iovec part{text, sizeof text};
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  header.msg_control = control;
  header.msg_controllen = sizeof control;
  const ssize_t size = recvmsg(fd_, &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  if (size < 0) {
    // Out of descriptors, say: the message is lost, the socket is not.
    if (errno == EAGAIN || errno == EINTR || errno == ENOMEM || errno == ENOBUFS) return State::nothing;
    return State::closed;
  }
  take_descriptors(header, [&](int fd) { message.descriptors.emplace_back(fd); });
  message.text.assign(text, static_cast<std::size_t>(size));
  message.truncated = (header.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0;
  // An empty packet and the end of the stream both read as nothing; only at the end is the peer hung up.
  if (size == 0 && message.descriptors.empty()) {
    pollfd state{fd_, POLLIN | POLLRDHUP, 0};
    (void)poll(&state, 1, 0);
    if ((state.revents & (POLLHUP | POLLRDHUP | POLLERR)) != 0) return State::closed;
  }
  return State::message;
}

bool send_descriptors(int socket, const int* descriptors, std::size_t count) {
  char byte = 'c';
  iovec part{&byte, 1};
  alignas(cmsghdr) char control[CMSG_SPACE(kMaxDescriptors * sizeof(int))] = {};
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  header.msg_control = control;
  header.msg_controllen = CMSG_SPACE(count * sizeof(int));
  cmsghdr* rights = CMSG_FIRSTHDR(&header);
  rights->cmsg_level = SOL_SOCKET;
  rights->cmsg_type = SCM_RIGHTS;
  rights->cmsg_len = CMSG_LEN(count * sizeof(int));
  std::memcpy(CMSG_DATA(rights), descriptors, count * sizeof(int));
  return sendmsg(socket, &header, MSG_NOSIGNAL) == 1;
}

bool receive_descriptors(int socket, int* descriptors, std::size_t count) {
  char byte = 0;
  iovec part{&byte, 1};
  alignas(cmsghdr) char control[CMSG_SPACE(kMaxDescriptors * sizeof(int))];
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  header.msg_control = control;
  header.msg_controllen = sizeof control;
  if (recvmsg(socket, &header, MSG_CMSG_CLOEXEC) != 1) return false;
  std::size_t found = 0;
  take_descriptors(header, [&](int fd) {
    if (found < count) descriptors[found] = fd;
    ++found;
  });
  return found == count;
}

}  // namespace dcp::sandbox
