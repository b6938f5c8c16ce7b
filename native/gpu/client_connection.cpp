#include "gpu/client_connection.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace dcp::gpu {
namespace {

constexpr std::uint64_t kKept = 128u << 20;       // the start of the heap keeps its pages, the rest returns them
constexpr std::uint64_t kMostStaged = 16u << 20;  // so that the same pages are written again, while they are in caches

bool reached(std::uint32_t position, std::uint32_t target) { return static_cast<std::int32_t>(position - target) >= 0; }

void close_all(std::span<const int> descriptors) {
  for (const int fd : descriptors) {
    if (fd >= 0) close(fd);
  }
}

/// The Hello and its three descriptors; false where the host is gone or says something else.
bool receive_hello(int socket, int (&descriptors)[3]) {
  Hello hello{0, 0};
  iovec data{&hello, sizeof hello};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof descriptors)] = {};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  ssize_t got;
  do got = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
  while (got < 0 && errno == EINTR);
  const cmsghdr* rights = got < 0 ? nullptr : CMSG_FIRSTHDR(&message);
  if (rights == nullptr || rights->cmsg_type != SCM_RIGHTS || rights->cmsg_len != CMSG_LEN(sizeof descriptors)) {
    return false;
  }
  std::memcpy(descriptors, CMSG_DATA(rights), sizeof descriptors);
  return got == static_cast<ssize_t>(sizeof hello) && hello.magic == kMagic && hello.version == kWireVersion;
}

}  // namespace

std::shared_ptr<ClientConnection> ClientConnection::open(int socket, std::string& reason) {
  int fds[4] = {-1, -1, -1, socket};
  int (&received)[3] = *reinterpret_cast<int (*)[3]>(fds);
  struct stat status{};
  if (!receive_hello(socket, received) || fstat(fds[0], &status) != 0 ||
      static_cast<std::uint64_t>(status.st_size) < kHeapOffset) {
    close_all(fds);
    reason = "the GPU host could not start or is of another version";
    return nullptr;
  }
  const auto size = static_cast<std::uint64_t>(status.st_size);
  void* mapped = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, fds[0], 0);
  if (mapped == MAP_FAILED) {
    reason = "cannot map the memory of the GPU host: " + std::string(std::strerror(errno));
    close_all(fds);
    return nullptr;
  }
  return std::shared_ptr<ClientConnection>(
      new ClientConnection(socket, fds[0], fds[1], fds[2], static_cast<std::byte*>(mapped), size - kHeapOffset));
}

ClientConnection::ClientConnection(int socket, int memory, int command_event, int reply_event, std::byte* base,
                                   std::uint64_t heap_size)
    : socket_(socket),
      memory_(memory),
      command_event_(command_event),
      reply_event_(reply_event),
      base_(base),
      heap_size_(heap_size),
      heap_(heap_size) {}

ClientConnection::~ClientConnection() {
  munmap(base_, kHeapOffset + heap_size_);
  const int fds[] = {socket_, memory_, command_event_, reply_event_};
  close_all(fds);
}

void ClientConnection::flush(std::uint32_t position) {
  RingState& ring = header().commands;
  ring.write.store(position, std::memory_order_seq_cst);
  if (ring.asleep.load(std::memory_order_seq_cst) && ring.asleep.exchange(0)) eventfd_write(command_event_, 1);
  reclaim();
}

void ClientConnection::wait_for_room(std::uint32_t read) {
  RingState& ring = header().commands;
  bool took_event = false;
  may_be_signalled_ = true;
  while (!hung_up_) {
    ring.wants_room.store(1, std::memory_order_seq_cst);
    if (ring.read.load(std::memory_order_seq_cst) != read) break;
    pollfd waits[] = {{reply_event_, POLLIN, 0}, {socket_, POLLIN, 0}};
    if (poll(waits, 2, -1) < 0 && errno != EINTR) break;
    if (waits[1].revents != 0) hung_up_ = true;
    eventfd_t count;
    if (waits[0].revents != 0) took_event = eventfd_read(reply_event_, &count) == 0;
  }
  ring.wants_room.store(0, std::memory_order_relaxed);
  // The event may have been that of a reply, which the event loop still has to see.
  if (took_event) eventfd_write(reply_event_, 1);
}

bool ClientConnection::finish_replies(std::uint32_t position) {
  RingState& ring = header().replies;
  ring.read.store(position, std::memory_order_seq_cst);
  if (ring.wants_room.load(std::memory_order_seq_cst) && ring.wants_room.exchange(0)) eventfd_write(command_event_, 1);
  replies_read_ = position;
  return ring.write.load(std::memory_order_seq_cst) == position;
}

bool ClientConnection::look_for_replies(bool awaited) {
  RingState& ring = header().replies;
  const auto have_come = [&] { return ring.write.load(std::memory_order_seq_cst) != replies_read_; };
  if (awaited ? patience_.look(have_come) : have_come()) return true;
  may_be_signalled_ = true;
  ring.asleep.store(1, std::memory_order_seq_cst);
  if (!have_come()) return false;
  ring.asleep.store(0, std::memory_order_relaxed);
  return true;
}

void ClientConnection::clear_reply_event() {
  if (!may_be_signalled_) return;
  may_be_signalled_ = false;
  patience_.slept();
  eventfd_t count;
  eventfd_read(reply_event_, &count);
}

double ClientConnection::busy_ms() const {
  if (has_timestamps()) return static_cast<double>(header().gpu_ns.load(std::memory_order_acquire)) / 1e6;
  std::uint64_t total = header().busy_ns.load(std::memory_order_acquire);
  if (const std::uint64_t since = header().busy_since_ns.load(std::memory_order_acquire)) {
    timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    total += static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000u + static_cast<std::uint64_t>(now.tv_nsec) - since;
  }
  return static_cast<double>(total) / 1e6;
}

ClientConnection::Usage ClientConnection::usage() const {
  return {header().bytes_up.load(std::memory_order_relaxed), header().bytes_down.load(std::memory_order_relaxed),
          header().memory_peak.load(std::memory_order_relaxed)};
}

void ClientConnection::reset_peak() {
  header().memory_peak.store(header().memory.load(std::memory_order_relaxed), std::memory_order_relaxed);
}

std::optional<std::uint64_t> ClientConnection::allocate_now(std::uint64_t size) {
  reclaim();
  const std::optional<std::uint64_t> block = heap_.allocate(size);
  if (block) users_[*block] = 1;
  return block;
}

std::optional<std::uint64_t> ClientConnection::allocate(std::uint64_t size, std::uint32_t position) {
  std::optional<std::uint64_t> block = allocate_now(size);
  while (!block && size <= heap_size_) {
    flush(position);
    // What is left is held by mappings, or by the command that is being built.
    if (in_flight_.empty() || !reached(position, in_flight_.front().position) || hung_up_) return std::nullopt;
    const std::uint32_t read = commands_read();
    if (!reached(read, in_flight_.front().position)) wait_for_room(read);
    block = allocate_now(size);
  }
  return block;
}

void ClientConnection::retain(std::uint64_t block) { ++users_.at(block); }

void ClientConnection::release(std::uint64_t block) {
  const auto found = users_.find(block);
  if (found == users_.end() || --found->second > 0) return;
  users_.erase(found);
  const std::uint64_t size = heap_.free(block);
  const std::uint64_t page = static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
  const std::uint64_t start = (std::max(block, std::min(kKept, heap_size_ / 4)) + page - 1) / page * page;
  const std::uint64_t end = (block + size) / page * page;
  if (end > start) madvise(heap(start), end - start, MADV_REMOVE);
}

void ClientConnection::reclaim() {
  const std::uint32_t read = commands_read();
  while (!in_flight_.empty() && reached(read, in_flight_.front().position)) {
    const std::uint64_t block = in_flight_.front().block;
    staged_ -= in_flight_.front().staged;
    in_flight_.pop_front();
    release(block);
  }
}

void ClientConnection::limit_staged(std::uint64_t size, std::uint32_t position) {
  if (staged_ + size > kMostStaged) flush(position);
  // What is part of the command that is being built cannot be waited for.
  while (staged_ + size > kMostStaged && !in_flight_.empty() && reached(position, in_flight_.front().position) &&
         !hung_up_) {
    const std::uint32_t read = commands_read();
    if (!reached(read, in_flight_.front().position)) wait_for_room(read);
    reclaim();
  }
}

std::optional<std::uint64_t> ClientConnection::stage(std::span<const std::byte> bytes, std::uint32_t position) {
  limit_staged(bytes.size(), position);
  const std::optional<std::uint64_t> block = allocate(bytes.size(), position);
  if (!block) return std::nullopt;
  if (!bytes.empty()) std::memcpy(heap(*block), bytes.data(), bytes.size());
  staged_ += bytes.size();
  in_flight_.push_back({position + 1, *block, bytes.size()});  // the host reads a command as a whole
  return block;
}

}  // namespace dcp::gpu
