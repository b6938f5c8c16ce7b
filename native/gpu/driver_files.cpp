#include "gpu/driver_files.hpp"

#include <glob.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string_view>

namespace dcp::gpu {
namespace {

using Paths = std::vector<std::string>;

// Libraries, and the files that say which drivers there are and how they are set.
constexpr const char* kReadable[] = {
    "/lib",
    "/lib32",
    "/lib64",
    "/usr/lib",
    "/usr/lib32",
    "/usr/lib64",
    "/usr/local/lib",
    "/usr/local/nvidia",
    "/etc/ld.so.cache",
    "/etc/vulkan",
    "/etc/xdg/vulkan",
    "/etc/glvnd",
    "/etc/drirc",
    "/etc/nvidia",
    "/usr/share/vulkan",
    "/usr/share/glvnd",
    "/usr/share/drirc.d",
    "/usr/share/libdrm",
    "/usr/share/nvidia",
    "/usr/local/share/vulkan",
    "/usr/local/etc/vulkan",
    "/proc/cpuinfo",
    "/proc/meminfo",
    "/sys/devices/system/cpu",
    "/sys/devices/system/node",
};
constexpr const char* kDevices[] = {"/dev/null", "/dev/zero", "/dev/urandom"};
constexpr const char* kGpus[] = {"/dev/dri/renderD*", "/dev/nvidia*", "/dev/dxg"};
// libdrm finds a GPU's vendor and driver through its device number; NVIDIA's library reads the module's parameters.
constexpr const char* kReadableWithGpu[] = {"/sys/dev/char",  "/sys/devices",       "/sys/bus/pci",
                                            "/sys/class/drm", "/sys/module/nvidia", "/proc/driver/nvidia",
                                            "/proc/devices"};
constexpr const char* kDescriptions[] = {"VK_DRIVER_FILES", "VK_ICD_FILENAMES", "VK_ADD_DRIVER_FILES"};
constexpr const char* kFolders[] = {"LD_LIBRARY_PATH", "VK_LAYER_PATH", "VK_ADD_LAYER_PATH"};
constexpr unsigned kScratchMebibytes = 16;
constexpr const char* kScratch = "/scratch";

Paths matches(const char* pattern) {
  glob_t found{};
  Paths paths;
  if (glob(pattern, 0, nullptr, &found) == 0) paths.assign(found.gl_pathv, found.gl_pathv + found.gl_pathc);
  globfree(&found);
  return paths;
}

/// The absolute paths of a variable that lists them; others depend on the current folder, which is not kept.
Paths listed(const char* variable) {
  const char* value = std::getenv(variable);
  Paths paths;
  std::string_view rest = value == nullptr ? "" : value;
  while (!rest.empty()) {
    const std::size_t colon = std::min(rest.find(':'), rest.size());
    if (rest.starts_with('/') && colon > 1) paths.emplace_back(rest.substr(0, colon));
    rest.remove_prefix(std::min(colon + 1, rest.size()));
  }
  return paths;
}

/// The library that a driver's description names by a path; empty where the loader looks for its name.
std::string library_of(const std::string& description) {
  std::ifstream file(description);
  const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  const std::size_t key = text.find("\"library_path\"");
  const std::size_t colon = key == std::string::npos ? key : text.find(':', key);
  const std::size_t open = colon == std::string::npos ? colon : text.find('"', colon);
  const std::size_t end = open == std::string::npos ? open : text.find('"', open + 1);
  if (end == std::string::npos) return {};
  const std::filesystem::path path = text.substr(open + 1, end - open - 1);
  return path.has_parent_path() ? (std::filesystem::path(description).parent_path() / path).lexically_normal() : "";
}

void add_described(const std::string& description, Paths& readable) {
  readable.push_back(description);
  if (const std::string library = library_of(description); !library.empty()) readable.push_back(library);
}

/// What the environment names beside the usual places. A list of drivers may name folders of descriptions, too.
void add_named(Paths& readable) {
  for (const char* variable : kFolders) {
    for (const std::string& folder : listed(variable)) readable.push_back(folder);
  }
  for (const std::string& folder : listed("XDG_DATA_DIRS")) readable.push_back(folder + "/vulkan");
  for (const char* variable : kDescriptions) {
    for (const std::string& path : listed(variable)) {
      add_described(path, readable);
      for (const std::string& inside : matches((path + "/*.json").c_str())) add_described(inside, readable);
    }
  }
}

}  // namespace

isolation::FileView driver_files() {
  isolation::FileView view;
  view.readable.assign(std::begin(kReadable), std::end(kReadable));
  view.devices.assign(std::begin(kDevices), std::end(kDevices));
  const std::size_t without_gpu = view.devices.size();
  for (const char* pattern : kGpus) {
    for (std::string& path : matches(pattern)) {
      if (std::filesystem::is_character_file(path)) view.devices.push_back(std::move(path));
    }
  }
  if (view.devices.size() > without_gpu) {
    view.readable.insert(view.readable.end(), std::begin(kReadableWithGpu), std::end(kReadableWithGpu));
  }
  add_named(view.readable);
  view.scratch = kScratch;
  view.scratch_mebibytes = kScratchMebibytes;
  return view;
}

void keep_caches_private(const isolation::FileView& view) {
  for (const char* variable : {"HOME", "XDG_CACHE_HOME", "XDG_RUNTIME_DIR", "TMPDIR"}) {
    setenv(variable, view.scratch.c_str(), 1);
  }
  setenv("MESA_SHADER_CACHE_DISABLE", "true", 1);
  setenv("MESA_GLSL_CACHE_DISABLE", "true", 1);  // older Mesa's name
  setenv("__GL_SHADER_DISK_CACHE", "0", 1);      // NVIDIA
}

// Half of the scratch folder: Mesa maps the cache's index, which may never find the folder full.
void cache_shaders_in_scratch() {
  setenv("MESA_SHADER_CACHE_DISABLE", "false", 1);
  setenv("MESA_GLSL_CACHE_DISABLE", "false", 1);
  setenv("MESA_SHADER_CACHE_MAX_SIZE", "8M", 1);
}

}  // namespace dcp::gpu
