// Queues frames (docs/protocol.md section 1) and writes many with one system call, never waiting.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string_view>
#include <utility>
#include <vector>

#include "ipc/descriptor.hpp"
#include "ipc/frame_reader.hpp"

namespace dcp::bindings {

class FrameWriter {
 public:
  /// A frame's payload stays where it is: `owner` is given back by take_sent() once the kernel has it.
  struct Frame {
    ipc::FrameHeader header;
    std::string_view payload;
    std::vector<ipc::Descriptor> descriptors;
    void* owner;
  };

  void push(std::string_view payload, std::vector<ipc::Descriptor> descriptors, void* owner);

  /// Writes until the queue is empty or the socket is full; true when it is empty. Throws std::system_error.
  bool flush(int socket);

  /// Whether the last flush() ended because too many descriptors of this user are on their way: the socket takes more,
  /// and no event will tell when.
  bool starved() const { return starved_; }

  /// Bytes that still wait.
  std::size_t pending() const { return pending_; }

  /// Owners of the payloads that are done with since the last call.
  std::vector<void*> take_sent() { return std::exchange(sent_, {}); }
  /// Owners of all payloads, sent or not; the queue is empty afterwards.
  std::vector<void*> take_all();

 private:
  bool write_some(int socket);
  void consume(std::size_t count);

  std::deque<Frame> queue_;
  std::size_t offset_ = 0;  ///< bytes of the first frame (header included) that are written
  std::size_t pending_ = 0;
  bool starved_ = false;
  std::vector<void*> sent_;
};

}  // namespace dcp::bindings
