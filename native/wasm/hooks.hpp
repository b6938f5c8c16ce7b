// The functions of webassembly-hooks.js that C++ calls.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

namespace dcp::wasm {

enum class Hook : std::size_t {
  make_error,
  register_function,
  lookup_function,
  exception_handle,
  make_exception,
  gc_handle,
  make_gc_object,
  deref,
  to_array,
};

/// In the order of Hook.
inline constexpr std::array<std::string_view, static_cast<std::size_t>(Hook::to_array) + 1> kHookNames = {
    "makeError", "registerFunction", "lookupFunction", "exceptionHandle", "makeException",
    "gcHandle",  "makeGcObject",     "deref",          "toArray",
};

}  // namespace dcp::wasm
