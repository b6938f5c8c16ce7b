#include "ipc/frame_reader.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <iterator>
#include <string>
#include <system_error>

#include "frame_protocol.hpp"
#include "ipc/rights.hpp"

namespace dcp::ipc {

namespace {

constexpr std::size_t kHeaderSize = sizeof(FrameHeader);
constexpr std::size_t kHeadSize = 16;  // the array, its kind and the number of a slice
static_assert(kHeadSize <= frames::kLeastBound);

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
  // There was room for as many as the kernel passes: this process may open no more.
  if ((message.msg_flags & MSG_CTRUNC) != 0) throw std::system_error(EMFILE, std::generic_category(), "recvmsg");
  if (count == 0) return ReadState::end_of_stream;
  end_ += static_cast<std::size_t>(count);
  return ReadState::data;
}

// False where more of a cut frame is to come.
bool FrameReader::pass_over() {
  const std::size_t passed = std::min(rest_, end_ - begin_);
  begin_ += passed;
  rest_ -= passed;
  return rest_ == 0;
}

// Whether a frame, of which the head has come, has a value beyond the limit.
bool FrameReader::exceeds_its_kind(const FrameHeader& header) const {
  const auto* head = reinterpret_cast<const unsigned char*>(buffer_.get() + begin_ + kHeaderSize);
  const unsigned kind = head[1];
  if ((head[0] & 0xf0U) != 0x90 || kind >= std::size(frames::kKinds) || !frames::kKinds[kind].from_sandbox) {
    throw FrameError("a frame of an unknown kind");
  }
  const frames::Kind& bounds = frames::kKinds[kind];
  if (bounds.value != 0) return header.size > *value_limit_ + bounds.most_bytes;
  if (header.size > bounds.most_bytes) {
    throw FrameError("a frame of kind " + std::to_string(kind) + " with " + std::to_string(header.size) + " bytes");
  }
  return false;
}

void FrameReader::take_frame_descriptors(const FrameHeader& header, ReceivedFrame& frame) {
  if (header.descriptors > descriptors_.size()) throw FrameError("a frame came without its descriptors");
  for (std::uint32_t i = 0; i < header.descriptors; ++i) {
    frame.descriptors.push_back(std::move(descriptors_.front()));
    descriptors_.pop_front();
  }
}

bool FrameReader::next(ReceivedFrame& frame) {
  frame.descriptors.clear();
  if (!pass_over() || end_ - begin_ < kHeaderSize) return false;
  const FrameHeader header = read_header(buffer_.get() + begin_);
  const std::size_t arrived = end_ - begin_ - kHeaderSize;
  const bool judged = value_limit_ && header.size > frames::kLeastBound && arrived >= kHeadSize;
  const bool cut = judged && exceeds_its_kind(header);
  if (!cut && arrived < header.size) return false;
  take_frame_descriptors(header, frame);
  frame.size = header.size;
  frame.payload = std::string_view(buffer_.get() + begin_ + kHeaderSize, cut ? kHeadSize : header.size);
  begin_ += kHeaderSize;
  rest_ = header.size;
  pass_over();
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
