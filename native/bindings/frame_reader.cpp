#include "frame_reader.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>
#include <system_error>

#include "frame_protocol.hpp"

namespace dcp::bindings {

namespace {

constexpr std::size_t kReadSize = 256 << 10;
// Most descriptors that the kernel passes with one message (SCM_MAX_FD).
constexpr std::size_t kKernelDescriptors = 253;

struct Header {
  std::uint32_t size;
  std::uint32_t descriptors;
};

Header read_header(const char* bytes) {
  Header header;
  static_assert(sizeof header == kHeaderSize);
  std::memcpy(&header, bytes, sizeof header);
  if (header.size > frames::kLargestPayload) {
    throw FrameError("a frame of " + std::to_string(header.size) + " bytes exceeds the limit of " +
                     std::to_string(frames::kLargestPayload));
  }
  if (header.descriptors > frames::kMostDescriptors) {
    throw FrameError("a frame with " + std::to_string(header.descriptors) + " descriptors exceeds the limit of " +
                     std::to_string(frames::kMostDescriptors));
  }
  return header;
}

void take_descriptors(msghdr& message, std::deque<FileDescriptor>& descriptors) {
  for (cmsghdr* control = CMSG_FIRSTHDR(&message); control != nullptr; control = CMSG_NXTHDR(&message, control)) {
    if (control->cmsg_level != SOL_SOCKET || control->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t count = (control->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
      int fd;
      std::memcpy(&fd, CMSG_DATA(control) + i * sizeof(int), sizeof fd);
      descriptors.emplace_back(fd);
    }
  }
}

}  // namespace

void FrameReader::make_room() {
  if (begin_ == end_) begin_ = end_ = 0;
  std::size_t wanted = kReadSize;
  if (end_ - begin_ >= kHeaderSize) {
    // The announced size is the peer's word: grow with what has really arrived, at most twofold.
    const std::size_t missing = kHeaderSize + read_header(buffer_.data() + begin_).size - (end_ - begin_);
    wanted = std::clamp(missing, kReadSize, std::max(kReadSize, end_ - begin_));
  }
  if (buffer_.size() - end_ >= wanted) return;
  if (begin_ > 0) {
    std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  if (buffer_.size() - end_ < wanted) buffer_.resize(end_ + wanted);
}

ReadState FrameReader::fill(int socket) {
  make_room();
  alignas(cmsghdr) char control[CMSG_SPACE(kKernelDescriptors * sizeof(int))];
  iovec vector{buffer_.data() + end_, buffer_.size() - end_};
  msghdr message{};
  message.msg_iov = &vector;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  ssize_t count;
  do {
    count = ::recvmsg(socket, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  } while (count < 0 && errno == EINTR);
  if (count < 0) {
    if (errno == EAGAIN || errno == EWOULDBLOCK) return ReadState::would_block;
    if (errno == ECONNRESET) return ReadState::end_of_stream;
    throw std::system_error(errno, std::generic_category(), "recvmsg");
  }
  take_descriptors(message, descriptors_);
  if ((message.msg_flags & MSG_CTRUNC) != 0) throw FrameError("descriptors were lost on the channel");
  if (count == 0) return ReadState::end_of_stream;
  end_ += static_cast<std::size_t>(count);
  return ReadState::data;
}

bool FrameReader::next(std::string_view& payload, std::vector<FileDescriptor>& descriptors) {
  descriptors.clear();
  if (end_ - begin_ < kHeaderSize) return false;
  const Header header = read_header(buffer_.data() + begin_);
  if (end_ - begin_ - kHeaderSize < header.size) return false;
  if (header.descriptors > descriptors_.size()) throw FrameError("a frame came without its descriptors");
  payload = std::string_view(buffer_.data() + begin_ + kHeaderSize, header.size);
  for (std::uint32_t i = 0; i < header.descriptors; ++i) {
    descriptors.push_back(std::move(descriptors_.front()));
    descriptors_.pop_front();
  }
  begin_ += kHeaderSize + header.size;
  return true;
}

void FrameReader::check_stray_descriptors() const {
  const std::size_t bytes = end_ - begin_;
  std::size_t allowed = frames::kMostDescriptors;
  if (bytes == 0) allowed = 0;
  if (bytes >= kHeaderSize) allowed = read_header(buffer_.data() + begin_).descriptors;
  if (descriptors_.size() > allowed) throw FrameError("descriptors came that belong to no frame");
}

}  // namespace dcp::bindings
