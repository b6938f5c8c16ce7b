#include "runtime/line_channel.hpp"

#include <poll.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>

namespace dcp::runtime {

namespace {

constexpr std::size_t kReadSize = 256 * 1024;

}  // namespace

bool LineChannel::receive() {
  if (consumed_ == filled_) consumed_ = scanned_ = filled_ = 0;
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

}  // namespace dcp::runtime
