// Frames over a Unix stream socket, the sandbox's side (docs/protocol.md, section 1).
#pragma once

#include <optional>
#include <vector>

#include "ipc/descriptor.hpp"
#include "ipc/frame_reader.hpp"
#include "runtime/value_codec.hpp"

namespace dcp::runtime {

using ipc::Descriptor;

class FrameChannel {
 public:
  explicit FrameChannel(int fd);

  struct Received {
    std::vector<std::byte> payload;
    std::vector<Descriptor> descriptors;
  };

  /// Reads what is there (waits for it when nothing is). False when the peer has left.
  /// Throws std::runtime_error for a frame that breaks the rules.
  bool receive();
  /// The next whole frame of what has been read. Throws std::runtime_error, as receive().
  std::optional<Received> next();
  /// Queues a frame; frames with descriptors go at once. Throws std::system_error when the peer has left.
  void send(Frame frame);
  /// Writes all that is queued; waits while the peer does not read.
  void flush();

 private:
  void append(std::span<const std::byte> payload, std::size_t descriptors);
  void write(std::span<const std::byte> bytes, std::span<const Descriptor> descriptors);

  int fd_;
  ipc::FrameReader reader_;
  std::vector<std::byte> output_;
};

}  // namespace dcp::runtime
