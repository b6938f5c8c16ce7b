#include "gpu/replies.hpp"

#include <poll.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <chrono>
#include <cstring>

namespace dcp::gpu {
namespace {

constexpr std::size_t kMostWaiting = 1024;
constexpr auto kLockPatience = std::chrono::milliseconds(250);
constexpr std::size_t kLongestText = 16 * 1024;

}  // namespace

Reply& Reply::u32(std::uint32_t value) {
  words_.push_back(value);
  return *this;
}

Reply& Reply::u64(std::uint64_t value) {
  words_.push_back(static_cast<std::uint32_t>(value));
  words_.push_back(static_cast<std::uint32_t>(value >> 32));
  return *this;
}

Reply& Reply::text(std::string_view value) {
  const std::size_t room = (kLargestReply - std::min<std::size_t>(words_.size() + 64, kLargestReply)) * 4;
  std::size_t size = std::min({value.size(), kLongestText, room});
  while (size > 0 && size < value.size() && (static_cast<unsigned char>(value[size]) & 0xC0) == 0x80) --size;
  value = value.substr(0, size);
  words_.push_back(static_cast<std::uint32_t>(value.size()));
  const std::size_t start = words_.size();
  words_.resize(start + (value.size() + 3) / 4);
  if (!value.empty()) std::memcpy(&words_[start], value.data(), value.size());
  return *this;
}

void ReplyWriter::send(Reply&& reply) {
  if (wakes_) before_();
  reply.words_[0] =
      message_header(static_cast<std::uint32_t>(reply.type_), static_cast<std::uint32_t>(reply.words_.size()));
  std::unique_lock lock(mutex_, std::defer_lock);
  if (lock_is_lost_) {
    if (put(reply.words_)) region_.header().replies.write.store(position_, std::memory_order_seq_cst);
    return;
  }
  lock.lock();
  waiting_.push_back(std::move(reply.words_));
  flush_locked();
}

void ReplyWriter::be_last_words() {
  const std::unique_lock lock(mutex_, kLockPatience);
  lock_is_lost_ = !lock.owns_lock();
  wakes_ = false;
}

void ReplyWriter::flush() {
  const std::lock_guard<std::timed_mutex> lock(mutex_);
  flush_locked();
}

void ReplyWriter::flush_locked() {
  RingState& ring = region_.header().replies;
  bool wrote = false;
  while (!waiting_.empty()) {
    if (!put(waiting_.front())) {
      ring.wants_room.store(1, std::memory_order_seq_cst);
      if (!put(waiting_.front())) break;
    }
    waiting_.pop_front();
    wrote = true;
  }
  if (!wrote) return;
  ring.write.store(position_, std::memory_order_seq_cst);
  if (wakes_ && ring.asleep.load(std::memory_order_seq_cst) && ring.asleep.exchange(0))
    eventfd_write(region_.reply_event(), 1);
}

bool ReplyWriter::put(const std::vector<std::uint32_t>& words) {
  const std::uint32_t used = position_ - region_.header().replies.read.load(std::memory_order_acquire);
  const std::uint32_t index = position_ % kReplyWords;
  const std::uint32_t size = static_cast<std::uint32_t>(words.size());
  const std::uint32_t padding = size > kReplyWords - index ? kReplyWords - index : 0;
  // A sandbox that lies about what it has read only harms its own replies.
  if (used > kReplyWords || padding + size > kReplyWords - used) return false;
  if (padding != 0) region_.replies()[index] = message_header(0, padding);
  std::memcpy(region_.replies() + (index + padding) % kReplyWords, words.data(), size * sizeof(std::uint32_t));
  position_ += padding + size;
  return true;
}

bool ReplyWriter::is_crowded() {
  const std::lock_guard<std::timed_mutex> lock(mutex_);
  return waiting_.size() >= kMostWaiting;
}

bool ReplyWriter::drain(int socket) {
  for (;;) {
    {
      const std::lock_guard<std::timed_mutex> lock(mutex_);
      flush_locked();
      if (waiting_.size() < kMostWaiting) return true;
    }
    pollfd waits[] = {{region_.command_event(), POLLIN, 0}, {socket, POLLIN, 0}};
    poll(waits, 2, 1000);
    if (waits[1].revents != 0) return false;
    eventfd_t count;
    if (waits[0].revents != 0) eventfd_read(region_.command_event(), &count);
  }
}

}  // namespace dcp::gpu
