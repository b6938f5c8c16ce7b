#include "runtime/shared_memory.hpp"

#include <sys/mman.h>
#include <sys/stat.h>

#include <cerrno>
#include <stdexcept>
#include <system_error>

namespace dcp::runtime {

namespace {

constexpr std::uintptr_t kPage = 4096;

[[noreturn]] void fail(const char* what) { throw std::system_error(errno, std::generic_category(), what); }

}  // namespace

std::byte* map_private(int fd, std::uint64_t offset, std::size_t size) {
  struct stat status;
  if (fstat(fd, &status) < 0) fail("fstat");
  const auto length = static_cast<std::uint64_t>(status.st_size);
  if (offset > length || size > length - offset) throw std::out_of_range("a shared buffer ends beyond its file");
  const std::uint64_t begin = offset & ~(kPage - 1);
  void* mapped =
      mmap(nullptr, size + (offset - begin), PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, static_cast<off_t>(begin));
  if (mapped == MAP_FAILED) fail("mapping a shared buffer");
  return static_cast<std::byte*>(mapped) + (offset - begin);
}

void unmap(void* address, std::size_t size) {
  const auto data = reinterpret_cast<std::uintptr_t>(address);
  const std::uintptr_t begin = data & ~(kPage - 1);
  munmap(reinterpret_cast<void*>(begin), size + (data - begin));
}

}  // namespace dcp::runtime
