#include "ipc/memfd.hpp"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <cerrno>
#include <system_error>

namespace dcp::ipc {

namespace {

constexpr int kSeals = F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK;

[[noreturn]] void fail(const char* what) { throw std::system_error(errno, std::generic_category(), what); }

}  // namespace

void write_all(int fd, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t written = write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) fail("write");
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
}

Descriptor make_memfd(const char* name) {
  Descriptor fd(memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!fd) fail("memfd_create");
  return fd;
}

void seal(int fd, int writing) {
  if (fcntl(fd, F_ADD_SEALS, writing | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) < 0) fail("sealing a memfd");
}

void seal(int fd) { seal(fd, F_SEAL_WRITE); }

// write(2) into a fresh memfd spares the zeroing and the page faults of a mapping.
Descriptor sealed_copy(std::span<const std::byte> data) {
  Descriptor fd = make_memfd("dcp-copy");
  write_all(fd.get(), data);
  seal(fd.get());
  return fd;
}

std::int64_t sealed_size(int fd) {
  struct stat status{};
  const int seals = fcntl(fd, F_GET_SEALS);
  if (seals < 0 || (seals & kSeals) != kSeals || fstat(fd, &status) != 0) return -1;
  return status.st_size;
}

std::int64_t whole_size(int fd) {
  constexpr std::int64_t block = 512;  // of st_blocks, on every file system
  struct stat status{};
  struct statfs system{};
  const std::int64_t size = sealed_size(fd);
  if (size < 0 || fstat(fd, &status) != 0 || fstatfs(fd, &system) != 0) return -1;
  // One of huge pages may lack the page that its reader asks for.
  return system.f_type == TMPFS_MAGIC && status.st_blocks * block >= size ? size : -1;
}

}  // namespace dcp::ipc
