#include "ipc/mapping.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <system_error>

namespace dcp::ipc {

namespace {

std::size_t page_size() {
  static const auto size = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  return size;
}

// How far a place lies in its page.
std::size_t into_page(std::uint64_t place) { return place & (page_size() - 1); }

int protection(Access access) { return access == Access::read ? PROT_READ : PROT_READ | PROT_WRITE; }

int flags(Access access) {
  switch (access) {
    case Access::read:
      return MAP_PRIVATE | MAP_POPULATE;
    case Access::private_copy:
      return MAP_PRIVATE | MAP_NORESERVE;
    case Access::shared:
      break;
  }
  return MAP_SHARED | MAP_NORESERVE;
}

}  // namespace

Mapping::Mapping(int fd, std::uint64_t offset, std::size_t size, Access access) {
  if (size == 0) return;
  const std::size_t before = into_page(offset);
  void* mapped =
      mmap(nullptr, before + size, protection(access), flags(access), fd, static_cast<off_t>(offset - before));
  if (mapped == MAP_FAILED) throw std::system_error(errno, std::generic_category(), "mmap");
  bytes_ = {static_cast<std::byte*>(mapped) + before, size};
}

Mapping::~Mapping() {
  if (!bytes_.empty()) unmap(bytes_.data(), bytes_.size());
}

void unmap(void* data, std::size_t size) {
  const std::size_t before = into_page(reinterpret_cast<std::uintptr_t>(data));
  (void)munmap(static_cast<std::byte*>(data) - before, before + size);
}

void bring_in(std::span<const std::byte> bytes) {
  constexpr int populate_read = 22;  // MADV_POPULATE_READ, of Linux 5.14
  const std::size_t before = into_page(reinterpret_cast<std::uintptr_t>(bytes.data()));
  (void)madvise(const_cast<std::byte*>(bytes.data()) - before, before + bytes.size(), populate_read);
}

}  // namespace dcp::ipc
