// writeBuffer() without a staging buffer, where the adapter's memory is the machine's.
//
// wgpu-core copies what is written twice: into a staging buffer, and from there, as a submission. On an adapter in
// software, a buffer can be mapped whatever its usage, so that its bytes are copied once; the sandbox knows nothing of
// that usage.
#pragma once

#include <cstdint>

#include "gpu/call.hpp"

namespace dcp::gpu {

/// Whether a device of `adapter` can have such buffers.
bool can_write_in_place(const Functions& functions, WGPUAdapter adapter);

/// What `usage` becomes in wgpu-native for a buffer of `size` bytes on `device`.
WGPUBufferUsage usage_for_writes(const Device& device, WGPUBufferUsage usage, std::uint64_t size);

/// Copies `size` bytes to `offset`; false: nothing was done, and it has to be done in the usual way. `buffer`: of the
/// command that is carried out.
bool write_in_place(Call& call, const Buffer& buffer, std::uint64_t offset, const void* data, std::uint64_t size);

}  // namespace dcp::gpu
