// The host's side of the shared memory: makes it, sends it, reads commands from it.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "gpu/wire.hpp"
#include "ipc/descriptor.hpp"
#include "ipc/mapping.hpp"
#include "ipc/patience.hpp"

namespace dcp::gpu {

class Region {
 public:
  /// Throws std::system_error.
  explicit Region(std::uint64_t heap_size = kHeapSize);
  Region(const Region&) = delete;
  Region& operator=(const Region&) = delete;

  /// Sends the Hello and the three descriptors. Throws std::system_error.
  void send_hello(int socket) const;

  Header& header() const { return *reinterpret_cast<Header*>(mapping_.data()); }
  std::uint32_t* commands() const { return reinterpret_cast<std::uint32_t*>(mapping_.data() + kRingsOffset); }
  std::uint32_t* replies() const { return reinterpret_cast<std::uint32_t*>(mapping_.data() + kRepliesOffset); }
  std::byte* heap() const { return mapping_.data() + kHeapOffset; }
  std::uint64_t heap_size() const { return heap_size_; }
  int command_event() const { return command_event_.get(); }
  int reply_event() const { return reply_event_.get(); }

 private:
  const std::uint64_t heap_size_;
  ipc::Descriptor memory_;
  ipc::Descriptor command_event_;
  ipc::Descriptor reply_event_;
  ipc::Mapping mapping_;
};

/// The reading end of the command ring.
class CommandReader {
 public:
  explicit CommandReader(Region& region) : region_(region) {}

  /// Copies the next command, header word included, into `command`; false: there is none. Skips padding. Throws
  /// Violation when the ring's contents make no sense.
  bool next(std::vector<std::uint32_t>& command);
  bool has_more() const { return region_.header().commands.write.load(std::memory_order_acquire) != position_; }
  /// Tells the writer that everything that next() has returned is done with.
  void release();
  /// What else the reader's thread does: look() while it looks for a command, sleep() before it sleeps.
  struct Beside {
    virtual void look() = 0;
    virtual void sleep() = 0;

   protected:
    ~Beside() = default;
  };
  /// Waits for a command or a wake-up; false when the socket hung up.
  bool wait(int socket, Beside& beside);

 private:
  Region& region_;
  std::uint32_t position_ = 0;
  ipc::Patience patience_;
};

}  // namespace dcp::gpu
