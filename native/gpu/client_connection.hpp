// The sandbox's side of the shared memory (wire.hpp): rings, heap, waking and sleeping. Knows no JavaScript.
//
// Heap memory is shared out as blocks with a count of users: the owner (a mapping, or data on its way to the host) and
// each ArrayBuffer over it. A block is used again only when nobody looks at it any more.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "gpu/client_heap.hpp"
#include "gpu/wire.hpp"
#include "ipc/patience.hpp"

namespace dcp::gpu {

class ClientConnection {
 public:
  /// Takes `socket`, receives the host's Hello and maps its memory. Null, and a reason, where the host is gone or
  /// speaks another version.
  static std::shared_ptr<ClientConnection> open(int socket, std::string& reason);
  ClientConnection(const ClientConnection&) = delete;
  ClientConnection& operator=(const ClientConnection&) = delete;
  ~ClientConnection();

  std::uint32_t* commands() const { return reinterpret_cast<std::uint32_t*>(base_ + kRingsOffset); }
  std::uint32_t* replies() const { return reinterpret_cast<std::uint32_t*>(base_ + kRepliesOffset); }
  std::byte* heap(std::uint64_t offset) const { return base_ + kHeapOffset + offset; }
  int socket() const { return socket_; }
  int reply_event() const { return reply_event_; }
  bool hung_up() const { return hung_up_; }
  void set_hung_up() { hung_up_ = true; }

  /// Publishes commands up to `position` and wakes the host where it sleeps.
  void flush(std::uint32_t position);
  /// How far the host has read.
  std::uint32_t commands_read() const { return header().commands.read.load(std::memory_order_acquire); }
  /// Waits until the host has read beyond `read`, or hung up.
  void wait_for_room(std::uint32_t read);
  std::uint32_t replies_written() const { return header().replies.write.load(std::memory_order_acquire); }
  /// Gives replies up to `position` back; false where more have come, which the caller has to read first.
  bool finish_replies(std::uint32_t position);
  /// Before a sleep that the event of replies ends. True: replies have come, or come now, where one is `awaited`.
  bool look_for_replies(bool awaited);
  /// After look_for_replies() or its event.
  void clear_reply_event();
  /// GPU time of this host, and whether it was taken by timestamps.
  double busy_ms() const;
  bool has_timestamps() const { return header().gpu_clock.load(std::memory_order_acquire) == kTimestamps; }
  /// What the host has counted, and the most memory since reset_peak().
  struct Usage {
    std::uint64_t bytes_up = 0, bytes_down = 0, memory_peak = 0;
  };
  Usage usage() const;
  void reset_peak();

  /// A block with one user, before the command that will start at `position`. Waits until the host is done with data
  /// that is on its way; nothing where there will be no room, or the host hung up.
  std::optional<std::uint64_t> allocate(std::uint64_t size, std::uint32_t position);
  void retain(std::uint64_t block);
  void release(std::uint64_t block);
  /// allocate(), with the given bytes for the command at `position`; released once the host is done with that command.
  std::optional<std::uint64_t> stage(std::span<const std::byte> bytes, std::uint32_t position);
  /// release(block), once the host is done with all commands before `position`.
  void release_after(std::uint64_t block, std::uint32_t position) { in_flight_.push_back({position, block, 0}); }

 private:
  ClientConnection(int socket, int memory, int command_event, int reply_event, std::byte* base,
                   std::uint64_t heap_size);
  Header& header() const { return *reinterpret_cast<Header*>(base_); }
  void reclaim();
  void limit_staged(std::uint64_t size, std::uint32_t position);
  std::optional<std::uint64_t> allocate_now(std::uint64_t size);

  const int socket_;
  const int memory_;
  const int command_event_;
  const int reply_event_;
  std::byte* const base_;
  const std::uint64_t heap_size_;
  bool hung_up_ = false;
  std::uint32_t replies_read_ = 0;
  bool may_be_signalled_ = true;  ///< the event of replies
  ipc::Patience patience_;
  ClientHeap heap_;
  std::map<std::uint64_t, int> users_;
  struct InFlight {
    std::uint32_t position;
    std::uint64_t block;
    std::uint64_t staged;  ///< bytes of stage()
  };
  std::deque<InFlight> in_flight_;
  std::uint64_t staged_ = 0;
};

}  // namespace dcp::gpu
