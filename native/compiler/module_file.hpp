// A compiled module as a file: the code as wasmtime serialized it, zeros up to a page border, the module that the code
// was made from, a footer. wasmtime maps the file and does not mind what follows its code; a sandbox compares the
// module with its own before it runs the code.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace dcp::compiler {

/// Where the parts lie, in bytes.
struct Layout {
  std::uint64_t code_size;
  std::uint64_t wasm_offset;
  std::uint64_t wasm_size;
  std::uint64_t checksum;  ///< of code and module
};

/// Bytes of the file with a code and a module of these sizes.
std::uint64_t module_file_size(std::uint64_t code_size, std::uint64_t wasm_size);

/// Writes the file at the descriptor's beginning. Throws std::system_error.
void write_module_file(int fd, std::span<const std::byte> code, std::span<const std::byte> wasm);

/// Reads the footer; nothing where the file is none of ours, or is shorter or longer than its footer says.
std::optional<Layout> read_layout(int fd);

/// Whether code and module are those that were written. Reads all of the file.
bool is_whole(int fd, const Layout& layout);

}  // namespace dcp::compiler
