// The imports that the JavaScript API provides itself (sections "Builtins" and "String Builtins", WebAssembly 3.0).
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>

namespace dcp::binary {

/// Of the compile options.
struct StringImports {
  bool builtins = false;                 ///< the set "js-string" is on
  std::optional<std::string> constants;  ///< the module that string constants are imported from

  bool any() const { return builtins || constants; }
};

/// Why an import of a valid module does not have the type of the builtin or constant that it names: the message of the
/// CompileError. Empty where all do.
std::string mismatched_import(std::span<const std::byte> module, const StringImports& provided);

}  // namespace dcp::binary
