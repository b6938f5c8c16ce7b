// Frames from a sandbox, as they are looked at before objects of Python are made of them.
#include <cstdlib>
#include <vector>

#include "bindings/frame_scan.hpp"
#include "bindings/utf8.hpp"
#include "ipc/frame_reader.hpp"

using namespace dcp::bindings;

namespace {

void scan(Bytes payload) {
  try {
    const FrameScan scanned = scan_frame(payload, 2, 1 << 20);
    if (scanned.values >= payload.size()) std::abort();  // each has a byte at least
  } catch (const dcp::ipc::FrameError&) {
  } catch (const UnusableValueError&) {
  }
}

void widen_all(Bytes utf8) {
  const auto shape = shape_of(utf8);
  if (!shape) return;
  if (shape->characters * shape->width() > utf8.size() + wider_than_utf8(utf8)) std::abort();
  std::vector<std::uint32_t> characters(shape->characters);
  widen(utf8, characters.data());
  for (const std::uint32_t character : characters) {
    if (character > shape->highest) std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  scan({data, size});
  widen_all({data, size});
  return 0;
}
