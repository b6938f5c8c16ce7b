// Lines of UTF-8 over a pair of descriptors: sockets, pipes or terminals (DCP's evaluator contract).
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace dcp::runtime {

/// Longest line that is taken in, in bytes; a longer one ends the sandbox with a message.
inline constexpr std::size_t kLongestLine = std::size_t{1} << 30;

class LineChannel {
 public:
  LineChannel(int in, int out) : in_(in), out_(out) {}

  /// Reads what is there. False at the end of the input. Throws std::length_error for a line over kLongestLine.
  bool receive();
  /// The next whole line of what has been read, without its newline.
  std::optional<std::string_view> next();
  /// What is left after the end of the input, when the last line has no newline.
  std::optional<std::string_view> rest();
  /// Writes the line and a newline; returns when the channel has taken them. False when the peer has left.
  bool write_line(std::string_view line);
  /// Call before the end: waits until the peer of a TCP connection has got what was written, or has left.
  void drain();

 private:
  int in_;
  int out_;
  std::vector<char> input_;
  std::size_t consumed_ = 0;
  std::size_t scanned_ = 0;
  std::size_t filled_ = 0;
};

}  // namespace dcp::runtime
