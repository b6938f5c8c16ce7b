// The zygote's side of the control socket: docs/protocol.md, section 4. What arrives is not trusted to be well formed.
#pragma once

#include <deque>
#include <string>
#include <string_view>

#include "ipc/packet.hpp"

namespace dcp::sandbox {

using ipc::Descriptor;

/// What a message asks for.
struct Request {
  enum class Kind { spawn, kill, bad } kind = Kind::bad;
  std::string id;      ///< "-" where the message has none
  std::string reason;  ///< of a bad one
};

/// Never fails: a message that is no request is a bad one with the reason.
Request parse_request(const ipc::Packet& message);

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

  ipc::Received receive(ipc::Packet& message);
  /// Before "ready", when nobody sends requests yet: waits for a socket that is connected to the compiler. -1 and the
  /// reason where there is none.
  int ask_compiler(std::string& reason);

 private:
  static constexpr std::size_t kMaxQueued = 64;
  int fd_;
  std::deque<std::string> queue_;
};

}  // namespace dcp::sandbox
