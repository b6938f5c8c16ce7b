// The part of a WebAssembly module that we read ourselves.
#include <cstdlib>

#include "wasm/binary.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto module = std::as_bytes(std::span(data, size));
  for (const auto section : dcp::wasm::custom_sections(module, "name")) {
    const bool inside = section.data() >= module.data() && section.data() + section.size() <= module.data() + size;
    if (!inside) std::abort();
  }
  dcp::wasm::exported_functions(module);
  return 0;
}
