// When the peer of a sandbox has left: so that a sandbox that does not notice, in an infinite loop, ends all the same.
#pragma once

#include <poll.h>

#include <chrono>
#include <optional>
#include <vector>

#include "ipc/descriptor.hpp"

namespace dcp::sandbox {

using Clock = std::chrono::steady_clock;
using ipc::Descriptor;

/// Watches the zygote's copies of a sandbox's channels.
///
/// - Nobody can receive any more (POLLHUP or POLLERR on the way out): the sandbox has a short grace and is ended.
/// - The peer of a socket sends no more (POLLRDHUP; with TCP a closed and a half-closed connection look the same): what
///   it sent before is still worked off, as long as some of it is taken in every grace period, up to a limit.
/// - The end of a pipe or file on the way in ends nothing here: `producer | dcp-evaluator` may compute for long after
///   its last line, and a sandbox that waits for input ends by itself.
class HangUp {
 public:
  static constexpr std::chrono::milliseconds kGrace{250};
  static constexpr std::chrono::milliseconds kDrain{5000};

  /// `half_close_ends`: whether the second rule applies (line mode).
  HangUp(Descriptor in, Descriptor out, bool half_close_ends);

  /// Adds what is to be polled; at most two entries.
  void add_to(std::vector<pollfd>& polled) const;
  /// Told the result of each entry it added.
  void notice(const pollfd& polled, Clock::time_point now);
  /// When due() is to be asked; nothing while the peer is there.
  std::optional<Clock::time_point> deadline() const { return deadline_; }
  /// Whether the sandbox is to be ended now.
  bool due(Clock::time_point now);

 private:
  int unread() const;

  Descriptor in_;
  Descriptor out_;
  bool watch_in_;
  bool watch_out_ = true;
  int unread_ = 0;
  Clock::time_point drained_by_;
  std::optional<Clock::time_point> deadline_;
};

}  // namespace dcp::sandbox
