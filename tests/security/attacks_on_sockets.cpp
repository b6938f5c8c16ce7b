// Sockets, new ones and those that are there.
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <string>

#include "attack.hpp"

namespace dcp::attacks {
namespace {

std::string new_socket(int family, int type, int protocol = 0) {
  const int fd = socket(family, type | SOCK_CLOEXEC, protocol);
  const std::string text = outcome(fd, "a socket");
  if (fd >= 0) close(fd);
  return text;
}

std::string socket_inet() { return new_socket(AF_INET, SOCK_STREAM); }
std::string socket_inet6() { return new_socket(AF_INET6, SOCK_DGRAM); }
std::string socket_unix() { return new_socket(AF_UNIX, SOCK_STREAM); }
std::string socket_netlink() { return new_socket(AF_NETLINK, SOCK_RAW); }
std::string socket_packet() { return new_socket(AF_PACKET, SOCK_RAW); }
std::string socket_vsock() { return new_socket(AF_VSOCK, SOCK_STREAM); }
std::string abstract_socket() {
  sockaddr_un where{AF_UNIX, {}};
  std::memcpy(where.sun_path, "\0dcp-attack", 11);
  const int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  const long result = fd < 0 ? -1 : bind(fd, reinterpret_cast<sockaddr*>(&where), offsetof(sockaddr_un, sun_path) + 11);
  const std::string text = outcome(result, "an abstract name");
  if (fd >= 0) close(fd);
  return text;
}
/// Through a socket that it has: descriptors up to 64 that are sockets are sent elsewhere.
std::string redirect_socket() {
  sockaddr_un where{AF_UNIX, {}};
  std::memcpy(where.sun_path, "\0dcp-listener", 13);
  errno = ENOTSOCK;
  for (int fd = 0; fd < 64; ++fd) {
    const auto* address = reinterpret_cast<sockaddr*>(&where);
    if (connect(fd, address, offsetof(sockaddr_un, sun_path) + 13) == 0) return "SUCCEEDED: a channel is redirected";
    if (errno == EBADF) errno = ENOTSOCK;
  }
  return outcome(-1);
}
std::string socket_pair() {
  int ends[2];
  const std::string text = outcome(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, ends), "a pair");
  if (text.starts_with('S')) {
    close(ends[0]);
    close(ends[1]);
  }
  return text;
}

constexpr Attack kAttacks[] = {
    ATTACK(socket_inet),     ATTACK(socket_inet6),    ATTACK(socket_unix),
    ATTACK(socket_netlink),  ATTACK(socket_packet),   ATTACK(socket_vsock),
    ATTACK(abstract_socket), ATTACK(redirect_socket), ATTACK(socket_pair),
};

}  // namespace

std::span<const Attack> on_sockets() { return kAttacks; }

}  // namespace dcp::attacks
