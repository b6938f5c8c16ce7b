#include "sandbox/hangup.hpp"

#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>

namespace dcp::sandbox {
namespace {

bool is_socket(int fd) {
  int type = 0;
  socklen_t size = sizeof type;
  return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0;
}

}  // namespace

HangUp::HangUp(Descriptor in, Descriptor out, bool half_close_ends)
    : in_(std::move(in)), out_(std::move(out)), watch_in_(half_close_ends && is_socket(in_.get())) {}

void HangUp::add_to(std::vector<pollfd>& polled) const {
  if (watch_in_) polled.push_back({in_.get(), POLLRDHUP, 0});
  if (watch_out_) polled.push_back({out_.get(), 0, 0});
}

void HangUp::notice(const pollfd& polled, Clock::time_point now) {
  if (watch_out_ && polled.fd == out_.get() && (polled.revents & (POLLHUP | POLLERR | POLLNVAL)) != 0) {
    watch_in_ = watch_out_ = false;
    drained_by_ = now;
    deadline_ = std::min(deadline_.value_or(now + kGrace), now + kGrace);
  } else if (watch_in_ && polled.fd == in_.get() && polled.revents != 0) {
    watch_in_ = false;
    unread_ = unread();
    drained_by_ = now + kDrain;
    deadline_ = now + kGrace;
  }
}

bool HangUp::due(Clock::time_point now) {
  if (!deadline_ || now < *deadline_) return false;
  const int before = unread_;
  unread_ = unread();
  if (unread_ >= before || now >= drained_by_) return true;
  deadline_ = now + kGrace;
  return false;
}

int HangUp::unread() const {
  int size = 0;
  return ioctl(in_.get(), FIONREAD, &size) == 0 ? size : 0;
}

}  // namespace dcp::sandbox
