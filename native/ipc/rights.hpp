// Descriptors in the control data of a message (SCM_RIGHTS).
#pragma once

#include <sys/socket.h>

#include <chrono>
#include <cstddef>
#include <cstring>
#include <span>

#include "ipc/descriptor.hpp"

namespace dcp::ipc {

/// Most descriptors that the kernel passes with one message (SCM_MAX_FD).
inline constexpr std::size_t kMostRights = 253;

/// Room for the control data of `most` descriptors.
template <std::size_t most>
struct Rights {
  alignas(cmsghdr) char bytes[CMSG_SPACE(most * sizeof(int))];
};

/// Lets a message that is to be sent carry `descriptors`, at most as many as there is room for.
template <std::size_t most>
void attach(msghdr& message, Rights<most>& room, std::span<const int> descriptors) {
  message.msg_control = room.bytes;
  message.msg_controllen = CMSG_SPACE(descriptors.size_bytes());
  std::memset(room.bytes, 0, message.msg_controllen);
  cmsghdr* rights = CMSG_FIRSTHDR(&message);
  rights->cmsg_level = SOL_SOCKET;
  rights->cmsg_type = SCM_RIGHTS;
  rights->cmsg_len = CMSG_LEN(descriptors.size_bytes());
  std::memcpy(CMSG_DATA(rights), descriptors.data(), descriptors.size_bytes());
}

template <std::size_t most>
void attach(msghdr& message, Rights<most>& room, std::span<const Descriptor> descriptors) {
  int numbers[most];
  for (std::size_t i = 0; i < descriptors.size(); ++i) numbers[i] = descriptors[i].get();
  attach(message, room, std::span<const int>(numbers, descriptors.size()));
}

/// The kernel counts descriptors that are on their way for all processes of a user, and refuses more with ETOOMANYREFS:
/// another's fault. Such a call is worth repeating after this pause, for as long as the caller has patience.
class RightsPause {
 public:
  explicit RightsPause(std::chrono::milliseconds patience) : until_(std::chrono::steady_clock::now() + patience) {}
  /// False, with errno as it was, where it is no such failure or too late.
  bool worth_repeating() const;

 private:
  std::chrono::steady_clock::time_point until_;
};

/// Appends the descriptors of a message that was received.
template <typename Container>
void take_descriptors(msghdr& message, Container& into) {
  for (cmsghdr* part = CMSG_FIRSTHDR(&message); part != nullptr; part = CMSG_NXTHDR(&message, part)) {
    if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(part) + i * sizeof fd, sizeof fd);
      into.emplace_back(fd);
    }
  }
}

}  // namespace dcp::ipc
