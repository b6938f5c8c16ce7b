#include "gpu/driver_manifests.hpp"

#include <glob.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string_view>

namespace dcp::gpu {
namespace {

using Paths = std::vector<std::string>;

// The loader's own folders, as Debian, Fedora and Arch build it; beside them those of XDG_CONFIG_DIRS and
// XDG_DATA_DIRS.
constexpr const char* kFolders[] = {"/etc/xdg/vulkan/icd.d", "/etc/vulkan/icd.d", "/usr/local/etc/vulkan/icd.d",
                                    "/usr/local/share/vulkan/icd.d", "/usr/share/vulkan/icd.d"};
// Google's container images, NixOS, AMD's own packages.
constexpr const char* kElsewhere[] = {"/usr/local/nvidia/vulkan/icd.d", "/usr/local/nvidia/share/vulkan/icd.d",
                                      "/run/opengl-driver/share/vulkan/icd.d", "/opt/amdgpu/share/vulkan/icd.d",
                                      "/opt/amdgpu-pro/etc/vulkan/icd.d"};
constexpr const char* kVariables[] = {"VK_DRIVER_FILES", "VK_ICD_FILENAMES", "VK_ADD_DRIVER_FILES"};

void append(Paths& paths, Paths more) {
  paths.insert(paths.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
}

Paths in_folder(const std::string& folder) { return matches(folder + "/*.json"); }

/// Those that the loader finds by itself.
Paths usual_manifests() {
  Paths found;
  for (const char* variable : {"XDG_CONFIG_DIRS", "XDG_DATA_DIRS"}) {
    for (const std::string& folder : listed_paths(variable)) append(found, in_folder(folder + "/vulkan/icd.d"));
  }
  for (const char* folder : kFolders) append(found, in_folder(folder));
  return found;
}

bool is_named(const Paths& manifests, const std::string& path) {
  const auto name = std::filesystem::path(path).filename();
  return std::any_of(manifests.begin(), manifests.end(),
                     [&](const std::string& each) { return std::filesystem::path(each).filename() == name; });
}

}  // namespace

Paths matches(const std::string& pattern) {
  glob_t found{};
  Paths paths;
  if (glob(pattern.c_str(), 0, nullptr, &found) == 0) paths.assign(found.gl_pathv, found.gl_pathv + found.gl_pathc);
  globfree(&found);
  return paths;
}

Paths listed_paths(const char* variable) {
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

std::string library_of(const std::string& manifest) {
  std::ifstream file(manifest);
  const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  const std::size_t key = text.find("\"library_path\"");
  const std::size_t colon = key == std::string::npos ? key : text.find(':', key);
  const std::size_t open = colon == std::string::npos ? colon : text.find('"', colon);
  const std::size_t end = open == std::string::npos ? open : text.find('"', open + 1);
  if (end == std::string::npos) return {};
  const std::filesystem::path path = text.substr(open + 1, end - open - 1);
  return path.has_parent_path() ? (std::filesystem::path(manifest).parent_path() / path).lexically_normal() : "";
}

Paths driver_manifests() {
  Paths found;
  for (const char* variable : kVariables) {
    for (const std::string& path : listed_paths(variable)) {
      append(found, in_folder(path));  // a folder of manifests may be named, too
      found.push_back(path);
    }
  }
  append(found, usual_manifests());
  return found;
}

void name_manifests_elsewhere() {
  if (std::getenv("VK_DRIVER_FILES") != nullptr || std::getenv("VK_ICD_FILENAMES") != nullptr) return;
  const Paths usual = usual_manifests();
  const char* named = std::getenv("VK_ADD_DRIVER_FILES");
  std::string all = named == nullptr ? "" : named;
  for (const char* folder : kElsewhere) {
    for (const std::string& manifest : in_folder(folder)) {
      if (!is_named(usual, manifest)) all += (all.empty() ? "" : ":") + manifest;
    }
  }
  if (!all.empty()) setenv("VK_ADD_DRIVER_FILES", all.c_str(), 1);
}

}  // namespace dcp::gpu
