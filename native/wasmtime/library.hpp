// wasmtime's shared library, opened by path.
#pragma once

#include <wasmtime_api.h>

#include <string>

namespace dcp::wasmtime {

/// The functions of the library; filled by open_library.
extern wasmtime_api wt;

/// Throws std::runtime_error with cause and remedy when the file cannot be opened or lacks a function.
void open_library(const std::string& path);

/// What to do where the library does not fit.
inline constexpr const char* kRemedy = "; install the Python package 'wasmtime' of version " WASMTIME_API_VERSION
                                       " (pip install wasmtime==" WASMTIME_API_VERSION ")";

/// wasmtime's messages span lines; errors of JavaScript do not.
std::string on_one_line(std::string text);

}  // namespace dcp::wasmtime
