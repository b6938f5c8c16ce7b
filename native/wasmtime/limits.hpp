// Limits of modules. The JavaScript API (section "Implementation-defined Limits") names them for all implementations;
// wasmtime holds the others itself: types, functions, imports, exports, globals, locals, sizes of functions and tables.
#pragma once

#include <cstddef>
#include <string>

namespace dcp::wasmtime {

inline constexpr std::size_t kMostModuleBytes = std::size_t{1} << 30;

/// The message of the CompileError for a module of that size; empty where it is within the limit.
inline std::string exceeded_size(std::size_t size) {
  if (size <= kMostModuleBytes) return {};
  return "the module has " + std::to_string(size) + " bytes; the limit is " + std::to_string(kMostModuleBytes);
}

}  // namespace dcp::wasmtime
