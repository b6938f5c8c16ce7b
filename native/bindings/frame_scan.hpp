// Whether a frame of a sandbox may become objects of this program, and what they will take: looked at in its bytes,
// before an object is made of them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>

#include "msgpack/item.hpp"

namespace dcp::bindings {

using msgpack::Bytes;

/// The first items of a frame. `slice`: none where it is nil, or the kind brings none.
struct FrameHead {
  int kind = 0;
  std::optional<std::int64_t> slice;
};

/// A value that cannot be taken, in a frame that keeps the protocol: it costs its slice, not its sandbox.
struct UnusableValueError : std::runtime_error {
  UnusableValueError(const FrameHead& whose, const std::string& reason) : std::runtime_error(reason), head(whose) {}
  FrameHead head;
};

struct FrameScan {
  FrameHead head;
  std::size_t values = 0;  ///< all that are in it, keys of maps too
};

/// Kind and slice of a frame, of which the first bytes suffice. Throws FrameError.
FrameHead read_head(Bytes payload);

/// Looks at every byte but those of texts and buffers. `descriptors`: how many came with it; `limit`: what a value may
/// cost, as docs/protocol.md counts it. Throws FrameError, UnusableValueError.
FrameScan scan_frame(Bytes payload, std::size_t descriptors, std::size_t limit);

}  // namespace dcp::bindings
