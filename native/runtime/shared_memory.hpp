// memfds: how buffers cross a process border without a copy of their own.
#pragma once

#include <cstddef>
#include <cstdint>

namespace dcp::runtime {

/// Maps bytes [offset, offset + size) of `fd` copy-on-write; any offset. Throws std::system_error, or
/// std::out_of_range when the file is shorter.
std::byte* map_private(int fd, std::uint64_t offset, std::size_t size);

/// Unmaps what map_private returned.
void unmap(void* address, std::size_t size);

}  // namespace dcp::runtime
