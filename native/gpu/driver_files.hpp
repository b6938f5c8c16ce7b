// What Vulkan drivers need of the file system: device nodes, libraries, their descriptions, what the kernel tells of
// GPUs. Tried with Mesa's lavapipe; for radv, anv and NVIDIA's driver reasoned from what they are known to open.
#pragma once

#include "isolation/file_view.hpp"

namespace dcp::gpu {

/// Of this machine, and of what the environment names (VK_DRIVER_FILES and the like, LD_LIBRARY_PATH).
isolation::FileView driver_files();

/// Sends what drivers and their libraries write by themselves to the view's scratch folder, and turns off caches of
/// shaders on disk: what one sandbox's host writes, no other's may read.
void keep_caches_private(const isolation::FileView& view);

}  // namespace dcp::gpu
