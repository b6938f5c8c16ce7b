// Takes frames (docs/protocol.md section 1) out of the byte stream of a Unix socket. Every byte and descriptor is
// hostile.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
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

/// A frame that has come. `payload` is valid until the next fill; it is the head alone of a frame with a value that has
/// more than the limit (see limit_values), of `size` bytes.
struct ReceivedFrame {
  std::string_view payload;
  std::size_t size = 0;
  std::vector<Descriptor> descriptors;

  bool is_cut() const { return payload.size() < size; }
};

class FrameReader {
 public:
  /// `chunk`: bytes that one read can take at least.
  FrameReader(Peer peer, std::size_t chunk) : peer_(peer), chunk_(chunk) {}

  /// One recvmsg, `flags` as of that. Throws FrameError, or std::system_error for a failed system call.
  ReadState fill(int socket, int flags);

  /// From now on a frame is judged by its first bytes: the peer is a sandbox, and one may not have more than the table
  /// of frames says of its kind. One with a value has `most` bytes; if there are more, they are passed over.
  void limit_values(std::size_t most) { value_limit_ = most; }

  /// The next frame that is whole, or cut. False where there is none. Throws FrameError.
  bool next(ReceivedFrame& frame);

  /// After the last next(): descriptors that belong to no frame are an error. Throws FrameError.
  void check_stray_descriptors() const;

 private:
  void make_room();
  void move_to(std::size_t capacity);
  bool pass_over();
  bool exceeds_its_kind(const FrameHeader& header) const;
  void take_frame_descriptors(const FrameHeader& header, ReceivedFrame& frame);

  Peer peer_;
  std::size_t chunk_;
  std::unique_ptr<char[]> buffer_;
  std::size_t capacity_ = 0;
  std::size_t begin_ = 0;  ///< first byte that is not yet taken
  std::size_t end_ = 0;    ///< one past the last byte received
  std::size_t rest_ = 0;   ///< bytes of a cut frame that are to be passed over
  std::optional<std::size_t> value_limit_;
  std::deque<Descriptor> descriptors_;
};

}  // namespace dcp::ipc
