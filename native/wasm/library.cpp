#include "wasm/library.hpp"

#include <dlfcn.h>

#include <stdexcept>

namespace dcp::wasm {

wasmtime_api wt;

namespace {

constexpr const char* kRemedy = "; install the Python package 'wasmtime' of version " WASMTIME_API_VERSION
                                " (pip install wasmtime==" WASMTIME_API_VERSION ")";

// The smallest module: magic number and version.
std::uint8_t empty_module[] = {0, 'a', 's', 'm', 1, 0, 0, 0};

}  // namespace

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

// The library has no function that tells its version, but compiled modules carry it: a length byte and the major
// version near the start of the file.
void check_version(wasm_engine_t* engine) {
  wasmtime_module_t* module = nullptr;
  if (wasmtime_error_t* error = wt.wasmtime_module_new(engine, empty_module, sizeof empty_module, &module)) {
    throw std::runtime_error("WebAssembly: wasmtime cannot compile an empty module: " + take_message(error) + kRemedy);
  }
  Bytes compiled;
  wasmtime_error_t* error = wt.wasmtime_module_serialize(module, &compiled.vec);
  wt.wasmtime_module_delete(module);
  if (error != nullptr) throw std::runtime_error("WebAssembly: " + take_message(error) + kRemedy);
  const std::string major = WASMTIME_API_MAJOR;
  const std::string stamp = static_cast<char>(major.size()) + major;
  if (compiled.text().substr(0, 96).find(stamp) == std::string_view::npos) {
    throw std::runtime_error("WebAssembly: the library is not wasmtime " + major + ", for which this build was made" +
                             kRemedy);
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

std::string take_message(wasmtime_error_t* error) {
  Bytes message;
  wt.wasmtime_error_message(error, &message.vec);
  wt.wasmtime_error_delete(error);
  return on_one_line(std::string(message.text()));
}

}  // namespace dcp::wasm
