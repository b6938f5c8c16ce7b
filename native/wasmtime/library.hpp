// wasmtime's shared library, opened by path.
#pragma once

#include <wasmtime_api.h>

#include <string>
#include <string_view>

namespace dcp::wasmtime {

/// The functions of the library; filled by open_library.
extern wasmtime_api wt;

/// Throws std::runtime_error with cause and remedy when the file cannot be opened or lacks a function.
void open_library(const std::string& path);

/// What to do where the library does not fit.
inline constexpr const char* kRemedy = "; install the Python package 'wasmtime' of version " WASMTIME_API_VERSION
                                       " (pip install wasmtime==" WASMTIME_API_VERSION ")";

/// The text of an error on one line; deletes the error.
std::string take_message(wasmtime_error_t* error);

/// wasmtime's messages span lines; errors of JavaScript do not.
std::string on_one_line(std::string text);

/// A byte vector of the C API that is deleted at the end of its scope.
class Bytes {
 public:
  Bytes() = default;
  Bytes(const Bytes&) = delete;
  Bytes& operator=(const Bytes&) = delete;
  ~Bytes() {
    if (vec.data != nullptr) wt.wasm_byte_vec_delete(&vec);
  }
  std::string_view text() const { return {reinterpret_cast<const char*>(vec.data), vec.size}; }

  wasm_byte_vec_t vec{0, nullptr};
};

}  // namespace dcp::wasmtime
