// Copies between a buffer's mapping and the memory that is shared with the sandbox.
#pragma once

#include <cstddef>

namespace dcp::gpu {

/// memcpy; many bytes by two threads at a time, since one does not use all of the memory's bandwidth, and past caches.
void copy_bytes(std::byte* to, const std::byte* from, std::size_t size);

}  // namespace dcp::gpu
