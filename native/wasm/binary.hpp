// What the JavaScript API needs of a module's bytes and the C API does not tell.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace dcp::wasm {

struct CustomSection {
  std::string name;
  std::vector<std::byte> content;
};

struct ModuleBinary {
  std::vector<CustomSection> custom_sections;
  /// For each export, in order: the index of the function, or -1 where it is none.
  std::vector<std::int64_t> exported_functions;
};

/// Reads a module that wasmtime has accepted. Stops silently where the bytes are not understood.
ModuleBinary read_binary(std::span<const std::byte> bytes);

}  // namespace dcp::wasm
