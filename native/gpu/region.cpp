#include "gpu/region.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <new>
#include <string>
#include <system_error>

#include "gpu/violation.hpp"
#include "ipc/memfd.hpp"
#include "ipc/packet.hpp"

namespace dcp::gpu {
namespace {

[[noreturn]] void fail(const char* what) { throw std::system_error(errno, std::generic_category(), what); }

int checked(int result, const char* what) {
  if (result < 0) fail(what);
  return result;
}

}  // namespace

Region::Region(std::uint64_t heap_size)
    : heap_size_(heap_size),
      memory_(ipc::make_memfd("dcp-gpu")),
      command_event_(checked(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "eventfd")),
      reply_event_(checked(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "eventfd")) {
  const std::uint64_t size = kHeapOffset + heap_size_;
  checked(ftruncate(memory_.get(), static_cast<off_t>(size)), "ftruncate");
  ipc::seal(memory_.get(), 0);
  mapping_ = ipc::Mapping(memory_.get(), 0, size, ipc::Access::shared);
  Header* made = new (mapping_.data()) Header{};
  made->magic = kMagic;
  made->version = kWireVersion;
  made->commands.asleep = 1;
  made->replies.asleep = 1;
}

void Region::send_hello(int socket) const {
  const Hello hello;
  const int descriptors[] = {memory_.get(), command_event_.get(), reply_event_.get()};
  if (!ipc::send_packet(socket, {reinterpret_cast<const char*>(&hello), sizeof hello}, descriptors)) {
    fail("sending the shared memory");
  }
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

bool CommandReader::wait(int socket, Beside& beside) {
  const auto has_come = [&] {
    if (!has_more()) beside.look();
    return has_more();
  };
  if (patience_.look(has_come)) return true;
  beside.sleep();
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
  patience_.slept();
  return true;
}

}  // namespace dcp::gpu
