// The part of a WebAssembly module that we read ourselves.
#include "wasm/binary.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  dcp::wasm::read_binary(std::as_bytes(std::span(data, size)));
  return 0;
}
