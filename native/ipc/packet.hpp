// Messages with descriptors over Unix seqpacket sockets.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ipc/descriptor.hpp"

namespace dcp::ipc {

/// More descriptors than any message of ours has.
inline constexpr std::size_t kMaxDescriptors = 8;

/// One message as it arrived. Its descriptors close themselves, whatever becomes of it.
struct Packet {
  std::string bytes;
  std::vector<Descriptor> descriptors;
  bool truncated = false;  ///< longer than `most` of receive_packet, or with too many descriptors
  bool starved = false;    ///< descriptors are missing, because this process may open no more
};

enum class Received { packet, nothing, closed };

/// Takes one message of at most `most` bytes. `flags`: as of recvmsg(2); with MSG_DONTWAIT there may be nothing yet.
Received receive_packet(int socket, Packet& packet, std::size_t most, int flags = 0);

/// Sends one message. False with errno; the descriptors stay the caller's. Where too many descriptors of the user are
/// on their way it waits for seconds, unless `flags` has MSG_DONTWAIT.
bool send_packet(int socket, std::string_view bytes, std::span<const int> descriptors = {}, int flags = 0);

}  // namespace dcp::ipc
