// Frames over a Unix stream socket, the sandbox's side (docs/protocol.md, section 1).
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <vector>

#include "ipc/descriptor.hpp"
#include "ipc/frame_reader.hpp"
#include "runtime/value_codec.hpp"

namespace dcp::runtime {

using ipc::Descriptor;

class FrameChannel {
 public:
  /// `credit`: bytes of shared memory that may be on their way before the peer has taken them.
  FrameChannel(int fd, std::size_t credit);

  struct Received {
    std::span<const std::byte> payload;  ///< valid until the channel is used again
    std::vector<Descriptor> descriptors;
  };

  /// Reads what is there (waits for it when nothing is). False when the peer has left.
  /// Throws std::runtime_error for a frame that breaks the rules.
  bool receive();
  /// The next whole frame of what has been read. Throws std::runtime_error, as receive().
  std::optional<Received> next();
  /// Queues a frame; frames with descriptors go at once, or when there is credit for them, or without descriptors where
  /// the user has too many on their way. Throws std::system_error when the peer has left, std::runtime_error as
  /// receive().
  void send(Frame frame);
  /// Writes all that is queued; waits while the peer does not read.
  void flush();

 private:
  /// A frame that came while another waited for credit.
  struct Postponed {
    std::vector<std::byte> payload;
    std::vector<Descriptor> descriptors;
  };

  std::optional<Received> read_one();
  void postpone(Received frame);
  bool credit_returns(const Received& frame);
  void wait_for_credit(std::size_t size);
  void forget_last();
  void append(std::span<const std::byte> bytes);
  void write(std::span<const std::byte> first, std::span<const std::byte> second,
             std::span<const Descriptor> descriptors);

  int fd_;
  ipc::FrameReader reader_;
  std::vector<std::byte> output_;
  std::deque<Postponed> postponed_;
  Postponed delivered_;  ///< the one of these that next() has given last
  std::size_t credit_;
  std::size_t on_their_way_ = 0;        ///< bytes in shared memory
  std::deque<std::size_t> sizes_;       ///< of the frames with descriptors that are on their way
  std::chrono::milliseconds patience_;  ///< with what is on its way of others, before descriptors are done without
};

}  // namespace dcp::runtime
