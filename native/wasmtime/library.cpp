#include "wasmtime/library.hpp"

#include <dlfcn.h>

#include <stdexcept>

#include "wasmtime/owned.hpp"

namespace dcp::wasmtime {

wasmtime_api wt;

void open_library(const std::string& path) {
  if (path.empty())
    throw std::runtime_error(std::string("WebAssembly: no path of wasmtime's library was given") + kRemedy);
  void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    const char* cause = dlerror();
    throw std::runtime_error("WebAssembly: cannot open wasmtime's library: " + std::string(cause) + kRemedy);
  }
  const char* missing =
      wasmtime_api_load(&wt, [](void* handle, const char* name) { return dlsym(handle, name); }, library);
  if (missing != nullptr) {
    throw std::runtime_error("WebAssembly: " + path + " lacks the function " + missing + kRemedy);
  }
}

std::string on_one_line(std::string text) {
  std::string line;
  line.reserve(text.size());
  bool gap = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\n') {
      gap = true;
    } else if (!gap || text[i] != ' ') {
      if (gap && !line.empty()) line += line.back() == ':' ? " " : "; ";
      gap = false;
      line += text[i];
    }
  }
  return line;
}

std::string take_message(Owned<wasmtime_error_t> error) {
  Bytes message;
  wt.wasmtime_error_message(error.get(), &message.vec);
  return on_one_line(std::string(message.text()));
}

}  // namespace dcp::wasmtime
