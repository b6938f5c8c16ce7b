// Takes frames (docs/protocol.md section 1) out of the byte stream of a Unix socket. Every byte and descriptor is
// hostile.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <stdexcept>
#include <string_view>
#include <vector>

#include "file_descriptor.hpp"

namespace dcp::bindings {

inline constexpr std::size_t kHeaderSize = 8;

/// The peer broke the frame protocol: the channel is of no further use.
struct FrameError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

enum class ReadState { would_block, data, end_of_stream };

class FrameReader {
 public:
  /// One recvmsg without waiting. Throws FrameError, or std::system_error for a failed system call.
  ReadState fill(int socket);

  /// The next whole frame: its payload (valid until the next fill) and its descriptors. False where none is complete.
  bool next(std::string_view& payload, std::vector<FileDescriptor>& descriptors);

  /// After the last next(): descriptors that belong to no frame are an error. Throws FrameError.
  void check_stray_descriptors() const;

 private:
  void make_room();

  std::vector<char> buffer_;
  std::size_t begin_ = 0;  ///< first byte that is not yet taken
  std::size_t end_ = 0;    ///< one past the last byte received
  std::deque<FileDescriptor> descriptors_;
};

}  // namespace dcp::bindings
