// The writing end of the reply ring. Any thread may send; what does not fit waits in memory.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <string_view>
#include <vector>

#include "gpu/region.hpp"
#include "webgpu_decoder.hpp"

namespace dcp::gpu {

/// A reply under construction.
class Reply {
 public:
  explicit Reply(ReplyType type) : type_(type), words_(1) {}
  Reply& u32(std::uint32_t value);
  Reply& u64(std::uint64_t value);
  /// Text from wgpu-native or a driver; cut where it would not fit a reply.
  Reply& text(std::string_view value);

 private:
  friend class ReplyWriter;
  ReplyType type_;
  std::vector<std::uint32_t> words_;
};

class ReplyWriter {
 public:
  /// `before`: called before each reply, by any thread, until be_last_words(). It may end the process.
  explicit ReplyWriter(
      Region& region, std::function<void()> before = [] {})
      : region_(region), before_(std::move(before)) {}

  void send(Reply&& reply);
  /// One of namespace reply.
  template <typename Message>
  void send(const Message& message) {
    send(message.encode());
  }
  /// From now on nobody is woken: the host ends, and its socket's end wakes the sandbox, which then reads what is left.
  /// Does not wait for a thread that crashed while it was sending: only the caller sends then, past what was waiting.
  void be_last_words();
  /// Moves waiting replies into the ring as room appears.
  void flush();
  /// Whether drain() would wait.
  bool is_crowded();
  /// Waits until few replies are waiting; false when the socket hung up. Back-pressure for a sandbox that never reads.
  bool drain(int socket);

 private:
  void flush_locked();
  bool put(const std::vector<std::uint32_t>& words);

  Region& region_;
  const std::function<void()> before_;
  std::timed_mutex mutex_;
  std::deque<std::vector<std::uint32_t>> waiting_;
  std::uint32_t position_ = 0;
  std::atomic<bool> wakes_ = true;
  std::atomic<bool> lock_is_lost_ = false;
};

}  // namespace dcp::gpu
