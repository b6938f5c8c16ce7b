#include "frame_writer.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <span>
#include <system_error>

#include "frame_protocol.hpp"
#include "ipc/rights.hpp"

namespace dcp::bindings {

namespace {

constexpr std::size_t kMostVectors = 512;  // below IOV_MAX, two a frame

constexpr std::size_t kHeaderSize = sizeof(ipc::FrameHeader);

}  // namespace

void FrameWriter::push(std::string_view payload, std::vector<ipc::Descriptor> descriptors, void* owner) {
  if (payload.size() > frames::kLargestPayload) throw ipc::FrameError("the frame is larger than 1 GiB");
  if (descriptors.size() > frames::kMostDescriptors) throw ipc::FrameError("the frame has more than 64 descriptors");
  const auto size = static_cast<std::uint32_t>(payload.size());
  const auto count = static_cast<std::uint32_t>(descriptors.size());
  queue_.push_back(Frame{{size, count}, payload, std::move(descriptors), owner});
  pending_ += kHeaderSize + payload.size();
}

bool FrameWriter::flush(int socket) {
  starved_ = false;
  while (!queue_.empty()) {
    if (!write_some(socket)) return false;
  }
  return true;
}

bool FrameWriter::write_some(int socket) {
  std::array<iovec, kMostVectors> vectors;
  ipc::Rights<frames::kMostDescriptors> rights;
  msghdr message{};
  std::size_t used = 0;
  std::size_t skip = offset_;
  for (std::size_t i = 0; i < queue_.size() && used + 2 <= kMostVectors; ++i) {
    Frame& frame = queue_[i];
    const bool whole = i > 0 || offset_ == 0;
    if (whole && !frame.descriptors.empty()) {
      if (i > 0) break;  // descriptors travel with the first byte of a message
      ipc::attach(message, rights, std::span<const ipc::Descriptor>(frame.descriptors));
    }
    if (skip < kHeaderSize) {
      vectors[used++] = {reinterpret_cast<char*>(&frame.header) + skip, kHeaderSize - skip};
      skip = 0;
    } else {
      skip -= kHeaderSize;
    }
    if (frame.payload.size() > skip) {
      vectors[used++] = {const_cast<char*>(frame.payload.data()) + skip, frame.payload.size() - skip};
    }
    skip = 0;
  }
  message.msg_iov = vectors.data();
  message.msg_iovlen = used;
  ssize_t count;
  do {
    count = ::sendmsg(socket, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
  } while (count < 0 && errno == EINTR);
  if (count < 0) {
    starved_ = errno == ETOOMANYREFS;
    if (errno == EAGAIN || errno == EWOULDBLOCK || starved_) return false;
    throw std::system_error(errno, std::generic_category(), "sendmsg");
  }
  consume(static_cast<std::size_t>(count));
  return true;
}

void FrameWriter::consume(std::size_t count) {
  pending_ -= count;
  offset_ += count;
  if (count > 0) queue_.front().descriptors.clear();
  while (!queue_.empty()) {
    Frame& frame = queue_.front();
    const std::size_t size = kHeaderSize + frame.payload.size();
    if (offset_ < size) return;
    offset_ -= size;
    if (frame.owner != nullptr) sent_.push_back(frame.owner);
    queue_.pop_front();
  }
}

std::vector<void*> FrameWriter::take_all() {
  std::vector<void*> owners = take_sent();
  for (const Frame& frame : queue_) {
    if (frame.owner != nullptr) owners.push_back(frame.owner);
  }
  queue_.clear();
  offset_ = pending_ = 0;
  return owners;
}

}  // namespace dcp::bindings
