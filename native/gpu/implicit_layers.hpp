// Implicit Vulkan layers: the loader puts them between every program and its driver, unasked (MangoHud, vkBasalt,
// Steam, OBS; NVIDIA's and Mesa's that reorder GPUs). A GPU host is no program for them, and their code none of its
// driver.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace dcp::gpu {

/// Keeps them out of this process, whatever the loader's version. Call it before the loader is opened and the view
/// made.
void keep_implicit_layers_out();

/// The variables that turn the layers of a manifest off, with their values: "disable_environment".
std::vector<std::pair<std::string, std::string>> switches_off(std::string_view manifest);

}  // namespace dcp::gpu
