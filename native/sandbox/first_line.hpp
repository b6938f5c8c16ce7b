// What a peer sends first: everybody who reaches the port may connect, and not all of them mean to speak lines.
#pragma once

#include <string>
#include <string_view>

namespace dcp::sandbox {

/// Recognises other protocols: a web page can send an HTTP request or a TLS hello to any port, with lines of its own in
/// the body or in a name. HTTP and its like by the request line, binary ones by control characters at the beginning,
/// some others by their greeting. It passes what is none of them, because what lines say is the start-up files' affair.
class FirstLine {
 public:
  /// Looks at the bytes that have come next, up to the end of the first line that is not blank. False: another
  /// protocol.
  bool add(std::string_view bytes);
  /// The line ends, or the input does. False: another protocol.
  bool finish();

 private:
  bool add_part(std::string_view part);

  std::string start_, end_;  ///< a few bytes of the line
  bool passed_ = false;
};

}  // namespace dcp::sandbox
