// The zygote's side of the control socket: docs/protocol.md, section 4. What arrives is not trusted to be well formed.
#pragma once

#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/descriptor.hpp"

namespace dcp::sandbox {

using runtime::Descriptor;

/// One message as it arrived.
struct ControlMessage {
  std::string text;
  std::vector<Descriptor> descriptors;
  bool truncated = false;  ///< longer, or with more descriptors, than any message of the protocol
};

/// What a message asks for.
struct Request {
  enum class Kind { spawn, kill, bad } kind = Kind::bad;
  std::string id;      ///< "-" where the message has none
  std::string reason;  ///< of a bad one
};

/// Never fails: a message that is no request is a bad one with the reason.
Request parse_request(const ControlMessage& message);

class ControlSocket {
 public:
  /// Throws std::runtime_error when `fd` is no seqpacket socket.
  explicit ControlSocket(int fd);

  int fd() const { return fd_; }
  /// Queues a message; send_queued() hands it over when the peer takes it.
  void send(std::string text);
  void send_queued();
  bool has_queued() const { return !queue_.empty(); }
  /// A peer that does not read its answers is not listened to.
  bool accepts_requests() const { return queue_.size() < kMaxQueued; }
  /// Blocks until everything queued is sent or the peer is gone.
  void flush();

  enum class State { message, nothing, closed };
  State receive(ControlMessage& message);

 private:
  static constexpr std::size_t kMaxQueued = 64;
  int fd_;
  std::deque<std::string> queue_;
};

/// Sends `descriptors` with one byte over a Unix socket. False with errno.
bool send_descriptors(int socket, const int* descriptors, std::size_t count);
/// Blocks for one message with exactly `count` descriptors. False when the peer is gone or sent anything else.
bool receive_descriptors(int socket, int* descriptors, std::size_t count);

}  // namespace dcp::sandbox
