// The native ops under the web-facing JavaScript: clocks, the timer, random bytes, UTF-8, error reports.
//
// ops.monotonic()                                 milliseconds of CLOCK_MONOTONIC, full resolution
// ops.now()                                       the same, coarsened to Runtime::clock_step_us: what guests see
// ops.clockStep()                                 that step in milliseconds
// ops.wallClock()                                 milliseconds of CLOCK_REALTIME, coarsened alike
// ops.setTimer(when)                              absolute, on the clock of ops.monotonic(); negative: no timer
// ops.randomBytes(view)                           fills an ArrayBuffer or view from getrandom(2)
// ops.utf8Encode(string)                          a new ArrayBuffer; lone surrogates become U+FFFD
// ops.utf8EncodeInto(string, view)                read * 2**32 + written (UTF-16 units, bytes)
// ops.utf8Decode(source, offset, length, fatal)   a string; ill-formed input becomes U+FFFD as the Encoding Standard
//                                                 says, or with `fatal` throws a TypeError
// ops.encodingTable(name)                         what legacy-encodings.js decodes by
// ops.base64Encode(string), base64Decode(string)  on binary strings; null where the argument is none, or no base64
// ops.reportError(value)                          hands an exception to Runtime::report_uncaught
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "runtime/runtime.hpp"

namespace dcp::runtime {

/// Adds the ops above. `runtime` must outlive its engine's last call of them.
void install_web_ops(Runtime& runtime);

/// The length of the longest prefix of `bytes` that is well-formed UTF-8.
std::size_t valid_utf8_prefix(std::span<const std::uint8_t> bytes);

/// Well-formed UTF-8: each maximal ill-formed subpart becomes one U+FFFD.
std::string to_well_formed_utf8(std::span<const std::uint8_t> bytes);

/// What fits of the UTF-8 `text` into `capacity` bytes without splitting a character.
struct Utf8Prefix {
  std::size_t bytes;        ///< to copy
  std::size_t utf16_units;  ///< that they stand for
};
Utf8Prefix utf8_prefix_that_fits(std::string_view text, std::size_t capacity);

}  // namespace dcp::runtime
