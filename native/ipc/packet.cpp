#include "ipc/packet.hpp"

#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

namespace dcp::ipc {

namespace {

void take_descriptors(msghdr& header, std::vector<Descriptor>& into) {
  for (cmsghdr* part = CMSG_FIRSTHDR(&header); part != nullptr; part = CMSG_NXTHDR(&header, part)) {
    if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(part) + i * sizeof(int), sizeof fd);
      into.emplace_back(fd);
    }
  }
}

// An empty packet and the end of the stream both read as nothing; only at the end is the peer hung up.
bool hung_up(int socket) {
  pollfd state{socket, POLLIN | POLLRDHUP, 0};
  (void)poll(&state, 1, 0);
  return (state.revents & (POLLHUP | POLLRDHUP | POLLERR)) != 0;
}

}  // namespace

Received receive_packet(int socket, Packet& packet, std::size_t most, int flags) {
  packet.bytes.resize(most);
  alignas(cmsghdr) char control[CMSG_SPACE(kMaxDescriptors * sizeof(int))];
  iovec part{packet.bytes.data(), most};
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  header.msg_control = control;
  header.msg_controllen = sizeof control;
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
  if (size == 0 && packet.descriptors.empty() && hung_up(socket)) return Received::closed;
  return Received::packet;
}

bool send_packet(int socket, std::string_view bytes, std::span<const int> descriptors, int flags) {
  iovec part{const_cast<char*>(bytes.data()), bytes.size()};
  alignas(cmsghdr) char control[CMSG_SPACE(kMaxDescriptors * sizeof(int))] = {};
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  if (!descriptors.empty()) {
    header.msg_control = control;
    header.msg_controllen = CMSG_SPACE(descriptors.size_bytes());
    cmsghdr* rights = CMSG_FIRSTHDR(&header);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(descriptors.size_bytes());
    std::memcpy(CMSG_DATA(rights), descriptors.data(), descriptors.size_bytes());
  }
  ssize_t sent = -1;
  do sent = sendmsg(socket, &header, flags | MSG_NOSIGNAL);
  while (sent < 0 && errno == EINTR);
  return sent == static_cast<ssize_t>(bytes.size());
}

}  // namespace dcp::ipc
