// What a test names: addresses where another program of the machine listens, and its files.
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>

#include "attack.hpp"

namespace dcp::attacks {
namespace {

std::string connect_to(const sockaddr* where, socklen_t size) {
  const int fd = socket(where->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const std::string text = outcome(fd < 0 ? -1 : connect(fd, where, size), "connected");
  if (fd >= 0) close(fd);
  return text;
}

/// HOST:PORT, of IPv4, or the path of a socket.
std::string connect_to(const std::string& address) {
  if (address.empty()) return "no address";
  if (address.starts_with('/')) {
    sockaddr_un where{AF_UNIX, {}};
    std::memcpy(where.sun_path, address.c_str(), std::min(address.size(), sizeof where.sun_path - 1));
    return connect_to(reinterpret_cast<const sockaddr*>(&where), sizeof where);
  }
  const std::size_t colon = std::min(address.find(':'), address.size() - 1);
  sockaddr_in where{};
  where.sin_family = AF_INET;
  where.sin_port = htons(static_cast<std::uint16_t>(std::atoi(address.c_str() + colon + 1)));
  if (inet_pton(AF_INET, address.substr(0, colon).c_str(), &where.sin_addr) != 1) return "no address";
  return connect_to(reinterpret_cast<const sockaddr*>(&where), sizeof where);
}

/// DEVICE:INODE of those below 1024 that are open.
std::string descriptors() {
  std::string found;
  for (int fd = 0; fd < 1024; ++fd) {
    struct stat status{};
    if (fstat(fd, &status) != 0) continue;
    found += (found.empty() ? "" : " ") + std::to_string(status.st_dev) + ":" + std::to_string(status.st_ino);
  }
  return found;
}

}  // namespace

std::string on_target(std::string_view verb, std::string_view target) {
  const std::string name(target);
  if (verb == "connect") return connect_to(name);
  if (verb == "open") return open_and_close(name.c_str(), O_RDONLY);
  if (verb == "descriptors") return descriptors();
  return "unknown";
}

}  // namespace dcp::attacks
