#include "ipc/mapping.hpp"

#include <sys/mman.h>

#include <cerrno>
#include <cstdint>
#include <system_error>

namespace dcp::ipc {

Mapping::Mapping(int fd, std::uint64_t offset, std::size_t size) {
  if (size == 0) return;
  void* data = mmap(nullptr, size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, static_cast<off_t>(offset));
  if (data == MAP_FAILED) throw std::system_error(errno, std::generic_category(), "mmap");
  bytes_ = {static_cast<const std::byte*>(data), size};
}

Mapping::~Mapping() {
  if (!bytes_.empty()) (void)munmap(const_cast<std::byte*>(bytes_.data()), bytes_.size());
}

void bring_in(std::span<const std::byte> bytes) {
  constexpr std::uintptr_t page = 4096;
  constexpr int populate_read = 22;  // MADV_POPULATE_READ, of Linux 5.14
  const auto begin = reinterpret_cast<std::uintptr_t>(bytes.data()) / page * page;
  const auto end = reinterpret_cast<std::uintptr_t>(bytes.data() + bytes.size());
  (void)madvise(reinterpret_cast<void*>(begin), end - begin, populate_read);
}

}  // namespace dcp::ipc
