// What the JavaScript API needs of a module's bytes and the C API does not tell. The module is one that wasmtime has
// accepted; where the bytes are not understood the answer ends there.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace dcp::binary {

/// The contents of the custom sections with this name.
std::vector<std::span<const std::byte>> custom_sections(std::span<const std::byte> module, std::string_view name);

/// For each export, in order: the index of the function, or -1 where it is none.
std::vector<std::int64_t> exported_functions(std::span<const std::byte> module);

/// For each export, in order: whether it is a table with 64-bit addresses.
std::vector<bool> exported_tables64(std::span<const std::byte> module);

}  // namespace dcp::binary
