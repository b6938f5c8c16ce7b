// Takes frames (docs/protocol.md section 1) out of the byte stream of a Unix socket. Every byte and descriptor is
// hostile.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <stdexcept>
#include <string_view>
#include <vector>

#include "ipc/descriptor.hpp"

namespace dcp::ipc {

/// The two numbers ahead of a payload.
struct FrameHeader {
  std::uint32_t size;
  std::uint32_t descriptors;
};

/// The peer broke the frame protocol: the channel is of no further use.
struct FrameError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

enum class ReadState { would_block, data, end_of_stream };

/// Whose word the announced size of a frame is: room for all of it is made at once, or as it arrives.
enum class Peer { trusted, hostile };

class FrameReader {
 public:
  /// `chunk`: bytes that one read can take at least.
  FrameReader(Peer peer, std::size_t chunk) : peer_(peer), chunk_(chunk) {}

  /// One recvmsg, `flags` as of that. Throws FrameError, or std::system_error for a failed system call.
  ReadState fill(int socket, int flags);

  /// The next whole frame: its payload (valid until the next fill) and its descriptors. False where none is
  /// complete. Throws FrameError.
  bool next(std::string_view& payload, std::vector<Descriptor>& descriptors);

  /// After the last next(): descriptors that belong to no frame are an error. Throws FrameError.
  void check_stray_descriptors() const;

 private:
  void make_room();
  void move_to(std::size_t capacity);

  Peer peer_;
  std::size_t chunk_;
  std::unique_ptr<char[]> buffer_;
  std::size_t capacity_ = 0;
  std::size_t begin_ = 0;  ///< first byte that is not yet taken
  std::size_t end_ = 0;    ///< one past the last byte received
  std::deque<Descriptor> descriptors_;
};

}  // namespace dcp::ipc
