// The manifests of a machine's Vulkan drivers, as the loader finds them, and the libraries that they name.
#pragma once

#include <string>
#include <vector>

namespace dcp::gpu {

/// The absolute paths of a variable that lists them; others depend on the current folder, which is not kept.
std::vector<std::string> listed_paths(const char* variable);

/// Below which the loader looks for manifests of drivers and layers, but for the user's own folders, which the host
/// does not see.
std::vector<std::string> loader_folders();

/// Paths that match a pattern of glob(7).
std::vector<std::string> matches(const std::string& pattern);

/// All manifests: those in the loader's folders, and those that VK_DRIVER_FILES and its kin name.
std::vector<std::string> driver_manifests();

/// The library that a manifest names by a path; empty where the loader looks for its name.
std::string library_of(const std::string& manifest);

/// Names manifests in VK_ADD_DRIVER_FILES that lie where some systems have them and the loader does not look, unless
/// VK_DRIVER_FILES says which there are.
void name_manifests_elsewhere();

}  // namespace dcp::gpu
