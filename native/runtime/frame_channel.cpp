#include "runtime/frame_channel.hpp"

#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <string_view>
#include <system_error>

#include "frame_protocol.hpp"
#include "ipc/rights.hpp"

namespace dcp::runtime {

namespace {

constexpr std::size_t kReadSize = 64 * 1024;
constexpr std::size_t kFlushSize = 128 * 1024;

void wait_for(int fd, short events) {
  pollfd entry = {fd, events, 0};
  while (poll(&entry, 1, -1) < 0 && errno == EINTR) {
  }
}

}  // namespace

FrameChannel::FrameChannel(int fd) : fd_(fd), reader_(ipc::Peer::trusted, kReadSize) {}

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
  std::string_view payload;
  Received frame;
  if (!reader_.next(payload, frame.descriptors)) {
    reader_.check_stray_descriptors();
    return std::nullopt;
  }
  const auto* begin = reinterpret_cast<const std::byte*>(payload.data());
  frame.payload.assign(begin, begin + payload.size());
  return frame;
}

void FrameChannel::send(Frame frame) {
  // Descriptors belong to the first byte of their frame: what is queued before goes out on its own.
  if (!frame.descriptors.empty()) flush();
  const std::size_t before = output_.size();
  try {
    append(frame.payload, frame.descriptors.size());
    if (!frame.descriptors.empty()) write(output_, frame.descriptors);
  } catch (...) {  // no memory, or too many descriptors on their way: the next frame must not follow half of this one
    output_.resize(before);
    throw;
  }
  if (!frame.descriptors.empty()) {
    output_.clear();
  } else if (output_.size() > kFlushSize) {
    flush();
  }
}

void FrameChannel::append(std::span<const std::byte> payload, std::size_t descriptors) {
  const ipc::FrameHeader header{static_cast<std::uint32_t>(payload.size()), static_cast<std::uint32_t>(descriptors)};
  const auto* bytes = reinterpret_cast<const std::byte*>(&header);
  output_.insert(output_.end(), bytes, bytes + sizeof header);
  output_.insert(output_.end(), payload.begin(), payload.end());
}

void FrameChannel::flush() {
  if (output_.empty()) return;
  write(output_, {});
  output_.clear();
}

void FrameChannel::write(std::span<const std::byte> bytes, std::span<const Descriptor> descriptors) {
  ipc::Rights<frames::kMostDescriptors> rights;
  while (!bytes.empty()) {
    iovec part = {const_cast<std::byte*>(bytes.data()), bytes.size()};
    msghdr message = {};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    if (!descriptors.empty()) ipc::attach(message, rights, descriptors);
    const ssize_t sent = sendmsg(fd_, &message, MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0 && errno == EAGAIN) {
      wait_for(fd_, POLLOUT);
      continue;
    }
    if (sent < 0) throw std::system_error(errno, std::generic_category(), "writing to the supervisor");
    bytes = bytes.subspan(static_cast<std::size_t>(sent));
    descriptors = {};
  }
}

}  // namespace dcp::runtime
