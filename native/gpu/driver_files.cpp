#include "gpu/driver_files.hpp"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <iterator>

#include "gpu/driver_manifests.hpp"
#include "gpu/library_folders.hpp"
#include "gpu_places.hpp"

namespace dcp::gpu {
namespace {

using Paths = std::vector<std::string>;

// Libraries, and the files that say which drivers there are and how they are set; of several distributions.
constexpr const char* kReadable[] = {
    "/lib",
    "/lib32",
    "/lib64",
    "/usr/lib",
    "/usr/lib32",
    "/usr/lib64",
    "/usr/local/lib",
    "/usr/local/lib64",
    "/usr/local/nvidia",   // Google's container images
    "/run/opengl-driver",  // NixOS
    "/nix/store",
    "/gnu/store",   // Guix
    "/opt/amdgpu",  // AMD's own packages
    "/opt/amdgpu-pro",
    "/etc/ld.so.cache",
    "/etc/glvnd",
    "/etc/drirc",
    "/etc/nvidia",
    "/etc/amd",
    "/usr/share/glvnd",
    "/usr/share/drirc.d",
    "/usr/share/libdrm",
    "/usr/share/nvidia",
    "/proc/cpuinfo",
    "/proc/meminfo",
    "/proc/version",
    "/proc/sys/kernel/osrelease",
    "/sys/devices/system/cpu",
    "/sys/devices/system/node",
};
constexpr const char* kDevices[] = {"/dev/null", "/dev/zero", "/dev/random", "/dev/urandom"};
// libdrm looks for GPUs in this folder, and does without an error where it cannot.
constexpr const char* kListedWithGpu = "/dev/dri";
// libdrm finds a GPU's vendor and driver through its device number; NVIDIA's library asks whether the kernel's modules
// are there, older versions in /proc/modules, and reads their parameters.
constexpr const char* kReadableWithGpu[] = {
    "/sys/dev/char",          "/sys/devices",           "/sys/bus/pci",
    "/sys/class/drm",         "/sys/module/nvidia",     "/sys/module/nvidia_modeset",
    "/sys/module/nvidia_uvm", "/sys/module/nvidia_drm", "/proc/driver/nvidia",
    "/proc/devices",          "/proc/modules"};
constexpr const char* kNvidiaModule = "/proc/driver/nvidia";
constexpr const char* kLibraryFolders[] = {"LD_LIBRARY_PATH", "VK_LAYER_PATH", "VK_ADD_LAYER_PATH"};
constexpr unsigned kScratchMebibytes = 16;
constexpr const char* kScratch = "/scratch";

/// What lies below a path that is there already needs no entry of its own.
void add(Paths& paths, const std::string& path) {
  const auto covers = [&](const std::string& other) {
    return path.starts_with(other) && (path.size() == other.size() || path[other.size()] == '/');
  };
  if (std::none_of(paths.begin(), paths.end(), covers)) paths.push_back(path);
}

/// The loader's own folders, and what the environment, the manifests of drivers and the configuration of the loader
/// name.
void add_named(Paths& readable) {
  for (const char* variable : kLibraryFolders) {
    for (const std::string& folder : listed_paths(variable)) add(readable, folder);
  }
  for (const std::string& folder : loader_folders()) add(readable, folder + "/vulkan");
  for (const std::string& folder : configured_library_folders()) add(readable, folder);
  for (const std::string& manifest : driver_manifests()) {
    add(readable, manifest);
    const std::string library = library_of(manifest);
    if (library.empty()) continue;
    for (const std::string& path : files_beside(library)) add(readable, path);
  }
}

/// Device nodes of GPUs. They are looked up for each host, since some come into being when they are first used.
Paths gpu_nodes() {
  Paths nodes;
  for (const char* pattern : places::kNodes) {
    for (std::string& path : matches(pattern)) {
      if (std::filesystem::is_character_file(path)) nodes.push_back(std::move(path));
    }
  }
  return nodes;
}

}  // namespace

isolation::FileView driver_files() {
  isolation::FileView view;
  view.readable.assign(std::begin(kReadable), std::end(kReadable));
  view.devices.assign(std::begin(kDevices), std::end(kDevices));
  const Paths nodes = gpu_nodes();
  view.devices.insert(view.devices.end(), nodes.begin(), nodes.end());
  if (!nodes.empty() || std::filesystem::exists(kNvidiaModule)) {
    view.readable.insert(view.readable.end(), std::begin(kReadableWithGpu), std::end(kReadableWithGpu));
    view.listed.push_back(kListedWithGpu);
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
  setenv("MESA_DISK_CACHE_MULTI_FILE", "true", 1);  // newer Mesa: a file for each shader, as older ones have it
}

}  // namespace dcp::gpu
