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

/// Turns Mesa's cache of shaders on again, in the scratch folder. Call it where that is this host's own: then a
/// pipeline that its sandbox makes once more need not be compiled, and nobody else reads what is kept.
void cache_shaders_in_scratch();

}  // namespace dcp::gpu
