#include "runtime/line_channel.hpp"

#include <linux/tcp.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <stdexcept>

namespace dcp::runtime {

namespace {

constexpr std::size_t kReadSize = 256 * 1024;
constexpr std::size_t kLargestKept = 4 * kReadSize;  // a buffer that a long line made larger is given back
constexpr int kDrainStepMs = 5;
constexpr std::uint8_t kTcpClose = 7;  // TCP_CLOSE of <netinet/tcp.h>, which cannot stand beside <linux/tcp.h>

/// Whether the connection still has bytes that its peer has not got. False for all but TCP.
bool has_unsent(int socket) {
  tcp_info info = {};
  socklen_t size = sizeof info;
  if (getsockopt(socket, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return false;
  return info.tcpi_state != kTcpClose && (info.tcpi_unacked > 0 || info.tcpi_notsent_bytes > 0);
}

}  // namespace

bool LineChannel::receive() {
  if (consumed_ == filled_) {
    consumed_ = scanned_ = filled_ = 0;
    if (input_.size() > kLargestKept) input_ = {};
  }
  if (consumed_ > 0 && consumed_ >= filled_ / 2) {
    std::memmove(input_.data(), input_.data() + consumed_, filled_ - consumed_);
    filled_ -= consumed_;
    scanned_ -= consumed_;
    consumed_ = 0;
  }
  if (filled_ - consumed_ > kLongestLine) throw std::length_error("a line of more than 1 GiB");
  if (input_.size() - filled_ < kReadSize) input_.resize(std::max(filled_ + kReadSize, input_.size() * 2));
  const ssize_t got = read(in_, input_.data() + filled_, input_.size() - filled_);
  if (got < 0 && (errno == EINTR || errno == EAGAIN)) return true;
  if (got <= 0) return false;
  filled_ += static_cast<std::size_t>(got);
  return true;
}

std::optional<std::string_view> LineChannel::next() {
  const void* newline = std::memchr(input_.data() + scanned_, '\n', filled_ - scanned_);
  if (newline == nullptr) {
    scanned_ = filled_;
    return std::nullopt;
  }
  const auto end = static_cast<std::size_t>(static_cast<const char*>(newline) - input_.data());
  const std::string_view line(input_.data() + consumed_, end - consumed_);
  consumed_ = scanned_ = end + 1;
  return line;
}

std::optional<std::string_view> LineChannel::rest() {
  if (consumed_ == filled_) return std::nullopt;
  const std::string_view line(input_.data() + consumed_, filled_ - consumed_);
  consumed_ = scanned_ = filled_;
  return line;
}

bool LineChannel::write_line(std::string_view line) {
  char newline = '\n';
  iovec parts[] = {{const_cast<char*>(line.data()), line.size()}, {&newline, 1}};
  iovec* part = parts;
  int count = 2;
  while (count > 0) {
    const ssize_t written = writev(out_, part, count);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0 && errno == EAGAIN) {
      pollfd entry = {out_, POLLOUT, 0};
      poll(&entry, 1, -1);
      continue;
    }
    if (written < 0) return false;
    auto left = static_cast<std::size_t>(written);
    while (count > 0 && left >= part->iov_len) {
      left -= part->iov_len;
      ++part;
      --count;
    }
    if (count > 0) {
      part->iov_base = static_cast<char*>(part->iov_base) + left;
      part->iov_len -= left;
    }
  }
  return true;
}

// A TCP connection that is closed while input waits there is reset, and what was not sent yet is lost. So the input is
// thrown away until all is sent. A peer that never reads holds this process as it does while it is connected.
void LineChannel::drain() {
  while (has_unsent(out_)) {
    pollfd entry = {in_, POLLIN, 0};
    if (poll(&entry, 1, kDrainStepMs) <= 0) continue;
    input_.resize(kReadSize);
    const ssize_t got = recv(in_, input_.data(), input_.size(), MSG_DONTWAIT);
    if (got == 0) poll(nullptr, 0, kDrainStepMs);  // half-closed: readable for ever
    if (got < 0 && errno != EAGAIN && errno != EINTR) return;
  }
}

}  // namespace dcp::runtime
