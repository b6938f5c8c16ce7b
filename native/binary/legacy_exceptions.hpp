// The legacy exception handling instructions (try, catch, catch_all, rethrow, delegate), which browsers still run and
// compilers still write, in terms of those of the specification (try_table, throw_ref), the only ones of wasmtime.
//
// The meaning of the old ones is that of the proposal WebAssembly/exception-handling, proposals/exception-handling/
// legacy.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

namespace dcp::binary {

/// The module, with try_table instead of the legacy instructions. Nothing where it has none of them, which is found out
/// without any allocation, and where it is malformed: whoever compiles it will say so. Indices, imports and exports
/// stay; custom sections that hold offsets into the code are left out. The time and the result's size are linear in the
/// module's size. Throws std::bad_alloc.
std::optional<std::vector<std::byte>> translate_legacy_exceptions(std::span<const std::byte> module);

}  // namespace dcp::binary
