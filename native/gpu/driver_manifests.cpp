#include "gpu/driver_manifests.hpp"

#include <glob.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string_view>

#include "gpu_places.hpp"

namespace dcp::gpu {
namespace {

using Paths = std::vector<std::string>;

void append(Paths& paths, Paths more) {
  paths.insert(paths.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
}

Paths in_folder(const std::string& folder) { return matches(folder + "/*.json"); }

/// Those that the loader finds by itself.
Paths usual_manifests() {
  Paths found;
  for (const std::string& folder : loader_folders()) append(found, in_folder(folder + "/" + places::kManifests));
  return found;
}

bool is_set(const char* variable) { return std::getenv(variable) != nullptr; }

/// What the variable names. A folder of manifests may be named, too.
Paths named_by(const char* variable) {
  Paths found;
  for (const std::string& path : listed_paths(variable)) {
    append(found, in_folder(path));
    found.push_back(path);
  }
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

Paths loader_folders() {
  Paths folders;
  for (const char* variable : {"XDG_CONFIG_DIRS", "XDG_DATA_DIRS"}) append(folders, listed_paths(variable));
  folders.insert(folders.end(), std::begin(places::kConfigurationFolders), std::end(places::kConfigurationFolders));
  folders.insert(folders.end(), std::begin(places::kSystemFolders), std::end(places::kSystemFolders));
  folders.insert(folders.end(), std::begin(places::kDataFolders), std::end(places::kDataFolders));
  return folders;
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
  for (const char* variable : places::kChoices) append(found, named_by(variable));
  append(found, named_by(places::kAddition));
  append(found, usual_manifests());
  return found;
}

void name_manifests_elsewhere() {
  if (std::ranges::any_of(places::kChoices, is_set)) return;
  const Paths usual = usual_manifests();
  const char* named = std::getenv(places::kAddition);
  std::string all = named == nullptr ? "" : named;
  for (const char* folder : places::kOtherManifestFolders) {
    for (const std::string& manifest : in_folder(folder)) {
      if (!is_named(usual, manifest)) all += (all.empty() ? "" : ":") + manifest;
    }
  }
  if (!all.empty()) setenv(places::kAddition, all.c_str(), 1);
}

}  // namespace dcp::gpu
