// Lines of UTF-8 over a pair of descriptors: sockets, pipes or terminals (DCP's evaluator contract).
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string_view>

namespace dcp::runtime {

/// Longest line that is taken in, in bytes; a longer one ends the sandbox with a message.
inline constexpr std::size_t kLongestLine = std::size_t{1} << 30;

class LineChannel {
 public:
  LineChannel(int in, int out) : in_(in), out_(out) {}

  /// What has come of a line, without its newline; valid until the next receive().
  struct Part {
    std::string_view bytes;
    bool ends;  ///< the line ends here
  };

  /// Reads what is there. False at the end of the input. Call it when next() has nothing more.
  bool receive();
  /// What the last receive() has brought.
  std::string_view received() const;
  /// The next line, or a part of one that does not fit into the buffer: never all of it is held here. A carriage return
  /// in front of the newline does not come, nor does a part end with one. Throws std::length_error for a line over
  /// kLongestLine.
  std::optional<Part> next();
  /// What is left after the end of the input, when the last line has no newline.
  std::optional<Part> rest();
  /// Writes bytes; returns when the channel has taken them. False when the peer has left.
  bool write(std::string_view bytes);
  /// Writes the line and a newline, in the same way.
  bool write_line(std::string_view line);
  /// Whether the peer is at the other end of a TCP connection, not of a pipe or the like.
  bool is_tcp() const;
  /// Call before the end: waits until the peer of a TCP connection has got what was written, or has left.
  void drain();

 private:
  Part part(std::size_t size, std::size_t skip, bool ends);

  int in_;
  int out_;
  std::unique_ptr<char[]> input_;
  std::size_t consumed_ = 0;
  std::size_t scanned_ = 0;
  std::size_t filled_ = 0;
  std::size_t received_ = 0;
  std::size_t given_ = 0;  ///< bytes of the present line
};

}  // namespace dcp::runtime
