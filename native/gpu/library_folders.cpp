#include "gpu/library_folders.hpp"

#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>

#include "gpu/driver_manifests.hpp"

namespace dcp::gpu {
namespace {

namespace fs = std::filesystem;
using Paths = std::vector<std::string>;

constexpr int kMostIncludes = 4;  // one below the other

void read_configuration(const std::string& path, int depth, Paths& folders) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line.substr(0, line.find('#')));
    std::string word;
    if (!(words >> word)) continue;
    if (word == "include") {
      while (depth < kMostIncludes && words >> word) {
        const std::string pattern = word.starts_with('/') ? word : (fs::path(path).parent_path() / word).string();
        for (const std::string& included : matches(pattern)) read_configuration(included, depth + 1, folders);
      }
    } else if (word.starts_with('/') && word.size() > 1) {
      folders.push_back(word);
    }
  }
}

/// Root's own, and open to everybody to read.
bool is_public(const fs::path& folder) {
  constexpr mode_t asked = S_IWGRP | S_IWOTH | S_IROTH | S_IXOTH;
  struct stat status{};
  return stat(folder.c_str(), &status) == 0 && status.st_uid == 0 && (status.st_mode & asked) == (S_IROTH | S_IXOTH);
}

void add_beside(const fs::path& library, Paths& found) {
  const fs::path folder = library.parent_path();
  const auto depth = std::distance(folder.begin(), folder.end()) - 1;  // "/" is 0
  const bool packaged = depth >= 2 && *std::next(folder.begin()) == "opt";
  if (packaged) {
    found.push_back("/opt/" + std::next(folder.begin(), 2)->string());
  } else if (depth >= 2 && is_public(folder)) {
    found.push_back(folder);
  } else {
    for (std::string& each : matches(folder / "*.so*")) found.push_back(std::move(each));
  }
}

}  // namespace

Paths configured_library_folders(const std::string& configuration) {
  Paths folders;
  read_configuration(configuration, 0, folders);
  return folders;
}

Paths files_beside(const std::string& library) {
  Paths found;
  add_beside(library, found);
  std::error_code error;
  const fs::path resolved = fs::canonical(library, error);
  if (!error && resolved.parent_path() != fs::path(library).parent_path()) add_beside(resolved, found);
  return found;
}

}  // namespace dcp::gpu
