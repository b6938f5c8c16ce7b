// Objects of Python from the bytes of a frame that was scanned. Other threads run meanwhile, however large it is.
#pragma once

#include <pybind11/pybind11.h>

#include <array>
#include <cstddef>
#include <string_view>

#include "frame_scan.hpp"

namespace dcp::bindings {

/// Makes the arrays that are in a frame.
struct ArrayMakers {
  pybind11::object from_bytes;   ///< (element type, bytearray)
  pybind11::object from_shared;  ///< (element type, descriptor, offset, size)
};

/// Keys of maps that came before: most frames have the same few.
class KnownKeys {
 public:
  /// Throws error_already_set where it is no UTF-8.
  pybind11::object get(std::string_view key);

 private:
  static constexpr std::size_t kLongest = 32;
  struct Slot {
    std::size_t size = 0;
    char bytes[kLongest];
    pybind11::object text;
  };

  std::array<Slot, 256> slots_;
};

/// A frame that was passed over, since its value has more bytes than the limit.
struct LargeFrame {
  FrameHead head;
  std::size_t size;
};

class ValueDecoder {
 public:
  /// `limit`: what a value may cost, as docs/protocol.md counts it.
  ValueDecoder(std::size_t limit, pybind11::object from_bytes, pybind11::object from_shared);

  /// The fields of a frame, its kind first, as a list. `payload`: bytes, or a LargeFrame. `descriptors`: those that
  /// came with it. Throws FrameError, UnusableValueError, and what the makers raise.
  pybind11::object decode(const pybind11::object& payload, const pybind11::sequence& descriptors);

 private:
  std::size_t limit_;
  ArrayMakers makers_;
  KnownKeys keys_;
};

/// Bytes that are copied without the interpreter's lock where they are many.
pybind11::object make_bytes(Bytes data);

}  // namespace dcp::bindings
