// Files in memory that nobody can change any more: how bytes cross a process border without a copy of their own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "ipc/descriptor.hpp"

namespace dcp::ipc {

/// Writes all of the bytes. Throws std::system_error.
void write_all(int fd, std::span<const std::byte> bytes);

/// An empty memfd that can be sealed. Throws std::system_error.
Descriptor make_memfd(const char* name);

/// Seals a memfd against growing and shrinking, and against what `writing` says: F_SEAL_WRITE, F_SEAL_FUTURE_WRITE, or
/// 0. Throws std::system_error.
void seal(int fd, int writing);

/// Seals a memfd against writing, growing and shrinking. Throws std::system_error.
void seal(int fd);

/// A memfd that holds a copy of `data` and is sealed so. Throws std::system_error.
Descriptor sealed_copy(std::span<const std::byte> data);

/// The size of a memfd that is sealed so; negative for every other descriptor.
std::int64_t sealed_size(int fd);

/// The same where all of its bytes have been written; negative for one with holes, which come into being when they are
/// read, as memory of the reader's.
std::int64_t whole_size(int fd);

}  // namespace dcp::ipc
