// Limits of modules that wasmtime does not hold. The JavaScript API (section "Implementation-defined Limits") names
// them for all implementations; those of types, functions, imports, exports, globals, segments, locals, parameters,
// results and sizes of functions are wasmtime's own.
#pragma once

#include <cstddef>
#include <span>
#include <string>

namespace dcp::binary {

inline constexpr std::size_t kMostModuleBytes = std::size_t{1} << 30;
inline constexpr std::size_t kMostTableElements = 10'000'000;

/// The message of the CompileError for a module that exceeds one; empty for every other.
std::string exceeded_limit(std::span<const std::byte> module);

}  // namespace dcp::binary
