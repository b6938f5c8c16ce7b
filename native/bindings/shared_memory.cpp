#include "shared_memory.hpp"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <fstream>
#include <string>
#include <system_error>

#include "ipc/frame_reader.hpp"
#include "ipc/memfd.hpp"

#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE 0x0010
#endif

namespace dcp::bindings {

namespace {

[[noreturn]] void fail(const char* what) { throw std::system_error(errno, std::generic_category(), what); }

constexpr const char* kName = "dcp-buffer";

ipc::Descriptor read_only_twin(int fd) {
  const std::string path = "/proc/self/fd/" + std::to_string(fd);
  ipc::Descriptor twin(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!twin) fail("open of /proc/self/fd (is /proc mounted?)");
  return twin;
}

}  // namespace

ipc::Descriptor copy_to_memfd(const void* data, std::size_t size) {
  return read_only_twin(ipc::sealed_copy({static_cast<const std::byte*>(data), size}).get());
}

void check_sealed(int fd, std::uint64_t offset, std::uint64_t size) {
  struct stat status;
  struct statfs filesystem;
  if (::fstat(fd, &status) != 0 || ::fstatfs(fd, &filesystem) != 0) fail("stat of a shared buffer");
  // Huge-page memory can fault with SIGBUS when read: only ordinary shared memory is taken.
  if (!S_ISREG(status.st_mode) || filesystem.f_type != TMPFS_MAGIC) {
    throw ipc::FrameError("a shared buffer is not an ordinary memfd");
  }
  constexpr int kNeeded = F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW;
  const int seals = ::fcntl(fd, F_GET_SEALS);
  if (seals < 0 || (seals & kNeeded) != kNeeded) throw ipc::FrameError("a shared buffer is not sealed");
  const auto total = static_cast<std::uint64_t>(status.st_size);
  if (offset > total || size > total - offset) throw ipc::FrameError("a shared buffer is smaller than announced");
}

void read_all(int fd, std::uint64_t offset, std::span<char> into) {
  while (!into.empty()) {
    const ssize_t count = ::pread(fd, into.data(), into.size(), static_cast<off_t>(offset));
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) fail("reading a shared buffer");
    into = into.subspan(static_cast<std::size_t>(count));
    offset += static_cast<std::uint64_t>(count);
  }
}

namespace {

std::atomic<long> sealed_mappings = 0;

// The rest is the program's own: threads, libraries and processes that it starts need mappings too.
long most_sealed_mappings() {
  static const long most = [] {
    long all = 65530;  // Linux's own choice
    std::ifstream("/proc/sys/vm/max_map_count") >> all;
    return all / 4;
  }();
  return most;
}

ipc::Mapping map_sealed(int fd, std::uint64_t offset, std::uint64_t size) {
  check_sealed(fd, offset, size);
  if (sealed_mappings >= most_sealed_mappings()) {
    errno = ENOMEM;
    fail("mapping a shared buffer");
  }
  return ipc::Mapping(fd, offset, size, ipc::Access::private_copy);
}

}  // namespace

SealedMapping::SealedMapping(int fd, std::uint64_t offset, std::uint64_t size)
    : mapping_(map_sealed(fd, offset, size)) {
  ++sealed_mappings;
}

SealedMapping::~SealedMapping() { --sealed_mappings; }

namespace {

ipc::Mapping map_writable(int fd, std::size_t size) {
  if (size > 0 && ::ftruncate(fd, static_cast<off_t>(size)) != 0) fail("sizing shared memory");
  return ipc::Mapping(fd, 0, size, ipc::Access::shared);
}

ipc::Descriptor publish(int fd) {
  ipc::seal(fd, F_SEAL_FUTURE_WRITE);
  return read_only_twin(fd);
}

}  // namespace

SharedMemory::SharedMemory(std::size_t size) : SharedMemory(ipc::make_memfd(kName), size) {}

SharedMemory::SharedMemory(const ipc::Descriptor& memory, std::size_t size)
    : mapping_(map_writable(memory.get(), size)), read_only_(publish(memory.get())) {}

}  // namespace dcp::bindings
