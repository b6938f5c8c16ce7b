#include "runtime/line_channel.hpp"

#include <linux/tcp.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <string>

namespace dcp::runtime {

namespace {

constexpr std::size_t kLongestWhole = 256 * 1024;  // a longer line comes in parts
constexpr std::size_t kBuffer = 2 * kLongestWhole;
constexpr int kDrainStepMs = 5;
constexpr std::uint8_t kTcpClose = 7;  // TCP_CLOSE of <netinet/tcp.h>, which cannot stand beside <linux/tcp.h>

/// False for all but TCP.
bool read_tcp_info(int socket, tcp_info& info) {
  socklen_t size = sizeof info;
  return getsockopt(socket, IPPROTO_TCP, TCP_INFO, &info, &size) == 0;
}

/// Whether the connection still has bytes that its peer has not got. False for all but TCP.
bool has_unsent(int socket) {
  tcp_info info = {};
  if (!read_tcp_info(socket, info)) return false;
  return info.tcpi_state != kTcpClose && (info.tcpi_unacked > 0 || info.tcpi_notsent_bytes > 0);
}

}  // namespace

bool LineChannel::receive() {
  // Pages of the buffer that nothing has come to take no memory.
  if (!input_) input_ = std::make_unique_for_overwrite<char[]>(kBuffer);
  if (consumed_ > 0) {
    std::memmove(input_.get(), input_.get() + consumed_, filled_ - consumed_);
    filled_ -= consumed_;
    scanned_ -= consumed_;
    consumed_ = 0;
  }
  received_ = 0;
  const ssize_t got = read(in_, input_.get() + filled_, kBuffer - filled_);
  if (got < 0 && (errno == EINTR || errno == EAGAIN)) return true;
  if (got <= 0) return false;
  received_ = static_cast<std::size_t>(got);
  filled_ += received_;
  return true;
}

std::string_view LineChannel::received() const { return {input_.get() + filled_ - received_, received_}; }

bool LineChannel::is_tcp() const {
  tcp_info info = {};
  return read_tcp_info(in_, info);
}

std::optional<LineChannel::Part> LineChannel::next() {
  const char* const start = input_.get() + consumed_;
  const void* newline = input_ ? std::memchr(input_.get() + scanned_, '\n', filled_ - scanned_) : nullptr;
  if (newline != nullptr) return part(static_cast<std::size_t>(static_cast<const char*>(newline) - start), 1, true);
  scanned_ = filled_;
  const std::size_t size = filled_ - consumed_;
  if (size < kLongestWhole) return std::nullopt;
  return part(start[size - 1] == '\r' ? size - 1 : size, 0, false);
}

std::optional<LineChannel::Part> LineChannel::rest() {
  if (consumed_ == filled_ && given_ == 0) return std::nullopt;
  return part(filled_ - consumed_, 0, true);
}

LineChannel::Part LineChannel::part(std::size_t size, std::size_t skip, bool ends) {
  given_ += size;
  if (given_ > kLongestLine) throw std::length_error("a line of more than 1 GiB");
  std::string_view bytes(input_.get() + consumed_, size);
  consumed_ += size + skip;
  scanned_ = consumed_;
  if (ends) given_ = 0;
  if (ends && bytes.ends_with('\r')) bytes.remove_suffix(1);
  return {bytes, ends};
}

bool LineChannel::write(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(out_, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0 && errno == EAGAIN) {
      pollfd entry = {out_, POLLOUT, 0};
      poll(&entry, 1, -1);
      continue;
    }
    if (written < 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

bool LineChannel::write_line(std::string_view line) {
  std::string text(line);
  text += '\n';
  return write(text);
}

// A TCP connection that is closed while input waits there is reset, and what was not sent yet is lost. So the input is
// thrown away until all is sent. A peer that never reads holds this process as it does while it is connected.
void LineChannel::drain() {
  while (has_unsent(out_)) {
    pollfd entry = {in_, POLLIN, 0};
    if (poll(&entry, 1, kDrainStepMs) <= 0) continue;
    char thrown_away[4096];
    const ssize_t got = recv(in_, thrown_away, sizeof thrown_away, MSG_DONTWAIT);
    if (got == 0) poll(nullptr, 0, kDrainStepMs);  // half-closed: readable for ever
    if (got < 0 && errno != EAGAIN && errno != EINTR) return;
  }
}

}  // namespace dcp::runtime
