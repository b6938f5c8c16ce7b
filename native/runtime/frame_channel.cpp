#include "runtime/frame_channel.hpp"

#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <system_error>

#include "frame_protocol.hpp"

namespace dcp::runtime {

namespace {

constexpr std::size_t kHeader = 8;
constexpr std::size_t kReadSize = 64 * 1024;
constexpr std::size_t kFlushSize = 128 * 1024;
constexpr std::size_t kControlSize = CMSG_SPACE(sizeof(int) * frames::kMostDescriptors);

std::uint32_t word(const std::byte* data) {
  std::uint32_t value;
  std::memcpy(&value, data, sizeof value);
  return value;
}

void wait_for(int fd, short events) {
  pollfd entry = {fd, events, 0};
  while (poll(&entry, 1, -1) < 0 && errno == EINTR) {
  }
}

void collect_descriptors(msghdr& message, std::deque<Descriptor>& into) {
  for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr; header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
      int fd;
      std::memcpy(&fd, CMSG_DATA(header) + i * sizeof fd, sizeof fd);
      into.emplace_back(fd);
    }
  }
}

}  // namespace

bool FrameChannel::receive() {
  if (consumed_ == filled_) consumed_ = filled_ = 0;
  std::size_t wanted = kReadSize;
  if (filled_ - consumed_ >= kHeader)
    wanted = std::max(wanted, kHeader + word(&input_[consumed_]) - (filled_ - consumed_));
  if (input_.size() < filled_ + wanted) {
    input_.erase(input_.begin(), input_.begin() + static_cast<std::ptrdiff_t>(consumed_));
    filled_ -= consumed_;
    consumed_ = 0;
    input_.resize(filled_ + wanted);
  }
  iovec part = {&input_[filled_], input_.size() - filled_};
  alignas(cmsghdr) char control[kControlSize];
  msghdr message = {};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  const ssize_t got = recvmsg(fd_, &message, MSG_CMSG_CLOEXEC);
  if (got < 0 && (errno == EINTR || errno == EAGAIN)) {
    wait_for(fd_, POLLIN);
    return true;
  }
  if (got <= 0) return false;
  collect_descriptors(message, descriptors_);
  filled_ += static_cast<std::size_t>(got);
  return true;
}

std::optional<FrameChannel::Received> FrameChannel::next() {
  const std::size_t available = filled_ - consumed_;
  if (available < kHeader) return std::nullopt;
  const std::size_t size = word(&input_[consumed_]);
  const std::size_t descriptors = word(&input_[consumed_ + 4]);
  if (size > frames::kLargestPayload) throw std::runtime_error("a frame of more than 1 GiB");
  if (descriptors > frames::kMostDescriptors) throw std::runtime_error("a frame with more than 64 descriptors");
  if (available - kHeader < size) return std::nullopt;
  if (descriptors > descriptors_.size()) throw std::runtime_error("a frame without the descriptors that it announces");
  Received frame;
  const auto begin = input_.begin() + static_cast<std::ptrdiff_t>(consumed_ + kHeader);
  frame.payload.assign(begin, begin + static_cast<std::ptrdiff_t>(size));
  for (std::size_t i = 0; i < descriptors; ++i) {
    frame.descriptors.push_back(std::move(descriptors_.front()));
    descriptors_.pop_front();
  }
  consumed_ += kHeader + size;
  if (input_.capacity() > 16 * kReadSize && consumed_ == filled_) {
    input_ = {};
    consumed_ = filled_ = 0;
  }
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
  const std::uint32_t header[] = {static_cast<std::uint32_t>(payload.size()), static_cast<std::uint32_t>(descriptors)};
  const auto* bytes = reinterpret_cast<const std::byte*>(header);
  output_.insert(output_.end(), bytes, bytes + kHeader);
  output_.insert(output_.end(), payload.begin(), payload.end());
}

void FrameChannel::flush() {
  if (output_.empty()) return;
  write(output_, {});
  output_.clear();
}

void FrameChannel::write(std::span<const std::byte> bytes, std::span<const Descriptor> descriptors) {
  alignas(cmsghdr) char control[kControlSize] = {};
  while (!bytes.empty()) {
    iovec part = {const_cast<std::byte*>(bytes.data()), bytes.size()};
    msghdr message = {};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    if (!descriptors.empty()) {
      message.msg_control = control;
      message.msg_controllen = CMSG_SPACE(sizeof(int) * descriptors.size());
      cmsghdr* header = CMSG_FIRSTHDR(&message);
      header->cmsg_level = SOL_SOCKET;
      header->cmsg_type = SCM_RIGHTS;
      header->cmsg_len = CMSG_LEN(sizeof(int) * descriptors.size());
      for (std::size_t i = 0; i < descriptors.size(); ++i) {
        const int fd = descriptors[i].get();
        std::memcpy(CMSG_DATA(header) + i * sizeof fd, &fd, sizeof fd);
      }
    }
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
