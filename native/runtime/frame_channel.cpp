#include "runtime/frame_channel.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <iterator>
#include <string_view>
#include <system_error>

#include "frame_protocol.hpp"
#include "ipc/rights.hpp"
#include "msgpack/item.hpp"

namespace dcp::runtime {

namespace {

constexpr std::size_t kReadSize = 64 * 1024;
constexpr std::size_t kFlushSize = 128 * 1024;
constexpr std::size_t kLarge = 16 * 1024;  // goes out from where it is, with what is queued
constexpr std::chrono::milliseconds kPatience{200};

void wait_for(int fd, short events) {
  pollfd entry = {fd, events, 0};
  while (poll(&entry, 1, -1) < 0 && errno == EINTR) {
  }
}

std::size_t shared_bytes(std::span<const Descriptor> descriptors) {
  std::size_t sum = 0;
  for (const Descriptor& descriptor : descriptors) {
    struct stat file;
    if (fstat(descriptor.get(), &file) == 0) sum += static_cast<std::size_t>(file.st_size);
  }
  return sum;
}

}  // namespace

FrameChannel::FrameChannel(int fd, std::size_t credit)
    : fd_(fd), reader_(ipc::Peer::trusted, kReadSize), credit_(credit), patience_(kPatience) {}

bool FrameChannel::receive() {
  try {
    const ipc::ReadState state = reader_.fill(fd_, 0);
    if (state == ipc::ReadState::would_block) wait_for(fd_, POLLIN);
    return state != ipc::ReadState::end_of_stream;
  } catch (const std::system_error&) {
    return false;
  }
}

std::optional<FrameChannel::Received> FrameChannel::next() {
  delivered_ = {};
  if (!postponed_.empty()) {
    delivered_ = std::move(postponed_.front());
    postponed_.pop_front();
    return Received{delivered_.payload, std::move(delivered_.descriptors)};
  }
  for (;;) {
    std::optional<Received> frame = read_one();
    if (!frame || !credit_returns(*frame)) return frame;
  }
}

std::optional<FrameChannel::Received> FrameChannel::read_one() {
  ipc::ReceivedFrame received;
  if (!reader_.next(received)) {
    reader_.check_stray_descriptors();
    return std::nullopt;
  }
  return Received{std::as_bytes(std::span(received.payload)), std::move(received.descriptors)};
}

void FrameChannel::postpone(Received frame) {
  postponed_.push_back({{frame.payload.begin(), frame.payload.end()}, std::move(frame.descriptors)});
}

// A TAKEN frame is the channel's own.
bool FrameChannel::credit_returns(const Received& frame) {
  constexpr std::byte kHead[] = {std::byte{0x92}, std::byte{frames::kTaken}};  // an array of two, the kind first
  const std::span<const std::byte> payload = frame.payload;
  if (payload.size() < sizeof kHead || !std::equal(std::begin(kHead), std::end(kHead), payload.begin())) return false;
  msgpack::Reader reader(payload.subspan(sizeof kHead));
  for (std::int64_t count = reader.next().integer; count > 0; --count) {
    if (sizes_.empty()) throw std::runtime_error("more frames were taken than sent");
    on_their_way_ -= sizes_.front();
    sizes_.pop_front();
  }
  return true;
}

// Other frames that come meanwhile wait their turn.
void FrameChannel::wait_for_credit(std::size_t size) {
  while (!sizes_.empty() && on_their_way_ + size > credit_) {
    std::optional<Received> frame = read_one();
    if (!frame && !receive()) throw std::system_error(EPIPE, std::generic_category(), "writing to the supervisor");
    if (frame && !credit_returns(*frame)) postpone(std::move(*frame));
  }
  sizes_.push_back(size);
  on_their_way_ += size;
}

void FrameChannel::forget_last() {
  on_their_way_ -= sizes_.back();
  sizes_.pop_back();
}

void FrameChannel::send(Frame frame) {
  // Descriptors belong to the first byte of their frame: what is queued before goes out on its own.
  if (!frame.descriptors.empty()) {
    flush();
    wait_for_credit(shared_bytes(frame.descriptors));
  }
  const std::size_t before = output_.size();
  const bool at_once = !frame.descriptors.empty() || frame.payload.size() > kLarge;
  const ipc::FrameHeader header{static_cast<std::uint32_t>(frame.payload.size()),
                                static_cast<std::uint32_t>(frame.descriptors.size())};
  try {
    append(std::as_bytes(std::span(&header, 1)));
    if (at_once) {
      write(output_, frame.payload, frame.descriptors);
    } else {
      append(frame.payload);
    }
  } catch (const std::system_error& error) {
    output_.resize(before);
    if (!frame.descriptors.empty()) forget_last();
    if (error.code().value() != ETOOMANYREFS || frame.descriptors.empty()) throw;
    patience_ = std::chrono::milliseconds(0);
    return send(without_descriptors(frame));
  } catch (...) {  // no memory: the next frame must not follow half of this one
    output_.resize(before);
    if (!frame.descriptors.empty()) forget_last();
    throw;
  }
  if (!frame.descriptors.empty()) patience_ = kPatience;
  if (at_once) {
    output_.clear();
  } else if (output_.size() > kFlushSize) {
    flush();
  }
}

void FrameChannel::append(std::span<const std::byte> bytes) {
  output_.insert(output_.end(), bytes.begin(), bytes.end());
}

void FrameChannel::flush() {
  if (output_.empty()) return;
  write(output_, {}, {});
  output_.clear();
}

void FrameChannel::write(std::span<const std::byte> first, std::span<const std::byte> second,
                         std::span<const Descriptor> descriptors) {
  ipc::Rights<frames::kMostDescriptors> rights;
  const ipc::RightsPause pause(patience_);
  while (!first.empty() || !second.empty()) {
    iovec parts[] = {{const_cast<std::byte*>(first.data()), first.size()},
                     {const_cast<std::byte*>(second.data()), second.size()}};
    msghdr message = {};
    message.msg_iov = parts;
    message.msg_iovlen = std::size(parts);
    if (!descriptors.empty()) ipc::attach(message, rights, descriptors);
    const ssize_t sent = sendmsg(fd_, &message, MSG_NOSIGNAL);
    if (sent < 0 && (errno == EINTR || pause.worth_repeating())) continue;
    if (sent < 0 && errno == EAGAIN) {
      wait_for(fd_, POLLOUT);
      continue;
    }
    if (sent < 0) throw std::system_error(errno, std::generic_category(), "writing to the supervisor");
    const std::size_t of_first = std::min(static_cast<std::size_t>(sent), first.size());
    first = first.subspan(of_first);
    second = second.subspan(static_cast<std::size_t>(sent) - of_first);
    descriptors = {};
  }
}

}  // namespace dcp::runtime
