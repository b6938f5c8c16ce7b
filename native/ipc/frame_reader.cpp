#include "ipc/frame_reader.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>
#include <system_error>

#include "frame_protocol.hpp"
#include "ipc/rights.hpp"

namespace dcp::ipc {

namespace {

constexpr std::size_t kHeaderSize = sizeof(FrameHeader);

FrameHeader read_header(const char* bytes) {
  FrameHeader header;
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

}  // namespace

void FrameReader::make_room() {
  if (begin_ == end_) begin_ = end_ = 0;
  const std::size_t arrived = end_ - begin_;
  std::size_t missing = chunk_;
  if (arrived >= kHeaderSize) missing = kHeaderSize + read_header(buffer_.get() + begin_).size - arrived;
  if (capacity_ - end_ >= std::min(missing, chunk_)) return;
  // Grow with what has really arrived, at most twofold.
  std::size_t wanted = std::max(missing, chunk_);
  if (peer_ == Peer::hostile) wanted = std::min(wanted, std::max(chunk_, arrived));
  if (capacity_ - arrived < wanted) return move_to(arrived + wanted);
  std::memmove(buffer_.get(), buffer_.get() + begin_, arrived);
  begin_ = 0;
  end_ = arrived;
}

void FrameReader::move_to(std::size_t capacity) {
  auto grown = std::make_unique_for_overwrite<char[]>(capacity);
  if (end_ > begin_) std::memcpy(grown.get(), buffer_.get() + begin_, end_ - begin_);
  buffer_ = std::move(grown);
  capacity_ = capacity;
  end_ -= begin_;
  begin_ = 0;
}

ReadState FrameReader::fill(int socket, int flags) {
  make_room();
  Rights<kMostRights> rights;
  iovec vector{buffer_.get() + end_, capacity_ - end_};
  msghdr message{};
  message.msg_iov = &vector;
  message.msg_iovlen = 1;
  message.msg_control = rights.bytes;
  message.msg_controllen = sizeof rights.bytes;
  ssize_t count;
  do {
    count = ::recvmsg(socket, &message, flags | MSG_CMSG_CLOEXEC);
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

bool FrameReader::next(std::string_view& payload, std::vector<Descriptor>& descriptors) {
  descriptors.clear();
  if (end_ - begin_ < kHeaderSize) return false;
  const FrameHeader header = read_header(buffer_.get() + begin_);
  if (end_ - begin_ - kHeaderSize < header.size) return false;
  if (header.descriptors > descriptors_.size()) throw FrameError("a frame came without its descriptors");
  payload = std::string_view(buffer_.get() + begin_ + kHeaderSize, header.size);
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
  if (bytes >= kHeaderSize) allowed = read_header(buffer_.get() + begin_).descriptors;
  if (descriptors_.size() > allowed) throw FrameError("descriptors came that belong to no frame");
}

}  // namespace dcp::ipc
