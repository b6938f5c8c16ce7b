#include "gpu/region.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <new>
#include <string>
#include <system_error>

#include "gpu/violation.hpp"

namespace dcp::gpu {
namespace {

[[noreturn]] void fail(const char* what) { throw std::system_error(errno, std::generic_category(), what); }

int checked(int result, const char* what) {
  if (result < 0) fail(what);
  return result;
}

}  // namespace

OwnedFd::~OwnedFd() {
  if (fd_ >= 0) close(fd_);
}

Region::Region(std::uint64_t heap_size)
    : heap_size_(heap_size),
      memory_(checked(memfd_create("dcp-gpu", MFD_CLOEXEC | MFD_ALLOW_SEALING), "memfd_create")),
      command_event_(checked(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "eventfd")),
      reply_event_(checked(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "eventfd")) {
  checked(ftruncate(memory_.get(), static_cast<off_t>(kHeapOffset + heap_size_)), "ftruncate");
  checked(fcntl(memory_.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL), "F_ADD_SEALS");
  void* mapped =
      mmap(nullptr, kHeapOffset + heap_size_, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, memory_.get(), 0);
  if (mapped == MAP_FAILED) fail("mmap of the shared memory");
  base_ = static_cast<std::byte*>(mapped);
  Header* made = new (base_) Header{};
  made->magic = kMagic;
  made->version = kWireVersion;
  made->commands.asleep = 1;
  made->replies.asleep = 1;
}

Region::~Region() { munmap(base_, kHeapOffset + heap_size_); }

void Region::send_hello(int socket) const {
  Hello hello;
  iovec data{&hello, sizeof hello};
  const int descriptors[] = {memory_.get(), command_event_.get(), reply_event_.get()};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof descriptors)] = {};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  cmsghdr* rights = CMSG_FIRSTHDR(&message);
  rights->cmsg_level = SOL_SOCKET;
  rights->cmsg_type = SCM_RIGHTS;
  rights->cmsg_len = CMSG_LEN(sizeof descriptors);
  std::memcpy(CMSG_DATA(rights), descriptors, sizeof descriptors);
  if (sendmsg(socket, &message, MSG_NOSIGNAL) != static_cast<ssize_t>(sizeof hello)) fail("sending the shared memory");
}

bool CommandReader::next(std::vector<std::uint32_t>& command) {
  for (;;) {
    const std::uint32_t available = region_.header().commands.write.load(std::memory_order_acquire) - position_;
    if (available == 0) return false;
    const std::uint32_t index = position_ % kCommandWords;
    const std::uint32_t first = reinterpret_cast<std::atomic<std::uint32_t>*>(region_.commands())[index];
    const std::uint32_t words = message_words(first);
    if (available > kCommandWords || words == 0 || words > available || words > kCommandWords - index) {
      throw Violation("command ring: a command of " + std::to_string(words) + " words at " + std::to_string(index) +
                      ", " + std::to_string(available) + " written");
    }
    position_ += words;
    if (message_type(first) == 0) continue;
    command.assign(region_.commands() + index, region_.commands() + index + words);
    command[0] = first;
    return true;
  }
}

void CommandReader::release() {
  RingState& ring = region_.header().commands;
  ring.read.store(position_, std::memory_order_seq_cst);
  if (ring.wants_room.load(std::memory_order_seq_cst) && ring.wants_room.exchange(0)) {
    eventfd_write(region_.reply_event(), 1);
  }
}

bool CommandReader::wait(int socket) {
  RingState& ring = region_.header().commands;
  ring.asleep.store(1, std::memory_order_seq_cst);
  if (ring.write.load(std::memory_order_seq_cst) != position_) {
    ring.asleep.store(0, std::memory_order_relaxed);
    return true;
  }
  pollfd waits[] = {{region_.command_event(), POLLIN, 0}, {socket, POLLIN, 0}};
  if (poll(waits, 2, -1) < 0 && errno != EINTR) fail("poll");
  // The sandbox never writes on the socket: readable means hung up, or a client that is not ours.
  if (waits[1].revents != 0) return false;
  eventfd_t count;
  if (waits[0].revents != 0) eventfd_read(region_.command_event(), &count);
  return true;
}

}  // namespace dcp::gpu
