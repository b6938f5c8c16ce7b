#include "gpu/library.hpp"

#include <dlfcn.h>

#include <stdexcept>

namespace dcp::gpu {

std::string version_text(const Functions& functions) {
  const std::uint32_t version = functions.GetVersion();
  std::string text = std::to_string(version >> 24);
  for (const int shift : {16, 8, 0}) text += "." + std::to_string(version >> shift & 0xFF);
  return text;
}

void open_library(const std::string& path, Functions& functions) {
  void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) throw std::runtime_error("cannot open wgpu-native: " + std::string(dlerror()));
  std::string missing;
  for_each_function(functions, [&](const char* name, void** function) {
    *function = dlsym(library, name);
    if (*function == nullptr) missing += std::string(missing.empty() ? "" : ", ") + name;
  });
  if (!missing.empty()) throw std::runtime_error(path + " lacks " + missing + ": is it wgpu-native?");
  if (functions.GetVersion() >> 24 != kNativeMajor) {
    throw std::runtime_error(path + " is version " + version_text(functions) + ", built for " +
                             std::to_string(kNativeMajor) + ".x: install the wgpu package of the build, or rebuild");
  }
  functions.SetLogLevel(WGPULogLevel_Off);
}

}  // namespace dcp::gpu
