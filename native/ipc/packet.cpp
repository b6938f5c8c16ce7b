#include "ipc/packet.hpp"

#include <poll.h>
#include <sys/socket.h>

#include <cerrno>

#include "ipc/rights.hpp"

namespace dcp::ipc {

namespace {

// Of those that wait for an answer anyway.
constexpr std::chrono::seconds kPatience{3};

// An empty packet and the end of the stream both read as nothing; only at the end is the peer hung up.
bool hung_up(int socket) {
  pollfd state{socket, POLLIN | POLLRDHUP, 0};
  (void)poll(&state, 1, 0);
  return (state.revents & (POLLHUP | POLLRDHUP | POLLERR)) != 0;
}

}  // namespace

Received receive_packet(int socket, Packet& packet, std::size_t most, int flags) {
  packet.bytes.resize(most);
  Rights<kMaxDescriptors> rights;
  iovec part{packet.bytes.data(), most};
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  header.msg_control = rights.bytes;
  header.msg_controllen = sizeof rights.bytes;
  ssize_t size = -1;
  do size = recvmsg(socket, &header, flags | MSG_CMSG_CLOEXEC);
  while (size < 0 && errno == EINTR && (flags & MSG_DONTWAIT) == 0);
  if (size < 0) {
    packet.bytes.clear();
    // Out of descriptors, say: the message is lost, the socket is not.
    const bool goes_on = errno == EAGAIN || errno == EINTR || errno == ENOMEM || errno == ENOBUFS;
    return goes_on ? Received::nothing : Received::closed;
  }
  packet.bytes.resize(static_cast<std::size_t>(size));
  take_descriptors(header, packet.descriptors);
  packet.truncated = (header.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0;
  packet.starved = (header.msg_flags & MSG_CTRUNC) != 0 && packet.descriptors.size() < kMaxDescriptors;
  if (size == 0 && packet.descriptors.empty() && hung_up(socket)) return Received::closed;
  return Received::packet;
}

bool RightsPause::worth_repeating() const {
  const int error = errno;
  const bool worth = error == ETOOMANYREFS && std::chrono::steady_clock::now() < until_;
  if (worth) (void)poll(nullptr, 0, 5);
  errno = error;
  return worth;
}

bool send_packet(int socket, std::string_view bytes, std::span<const int> descriptors, int flags) {
  iovec part{const_cast<char*>(bytes.data()), bytes.size()};
  Rights<kMaxDescriptors> rights;
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  if (!descriptors.empty()) attach(header, rights, descriptors);
  const RightsPause pause((flags & MSG_DONTWAIT) != 0 ? std::chrono::seconds(0) : kPatience);
  ssize_t sent = -1;
  do sent = sendmsg(socket, &header, flags | MSG_NOSIGNAL);
  while (sent < 0 && (errno == EINTR || pause.worth_repeating()));
  return sent == static_cast<ssize_t>(bytes.size());
}

}  // namespace dcp::ipc
