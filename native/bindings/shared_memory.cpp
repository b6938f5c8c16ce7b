#include "shared_memory.hpp"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <system_error>
#include <utility>

#include "frame_reader.hpp"

#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE 0x0010
#endif

namespace dcp::bindings {

namespace {

[[noreturn]] void fail(const char* what) { throw std::system_error(errno, std::generic_category(), what); }

FileDescriptor make_memfd() {
  FileDescriptor memory(::memfd_create("dcp-buffer", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!memory.is_open()) fail("memfd_create");
  return memory;
}

FileDescriptor read_only_twin(int fd) {
  const std::string path = "/proc/self/fd/" + std::to_string(fd);
  FileDescriptor twin(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!twin.is_open()) fail("open of /proc/self/fd (is /proc mounted?)");
  return twin;
}

void seal(int fd, int seals) {
  if (::fcntl(fd, F_ADD_SEALS, seals | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0) fail("sealing a memfd");
}

void write_all(int fd, const char* data, std::size_t size) {
  while (size > 0) {
    const ssize_t count = ::write(fd, data, std::min(size, std::size_t{1} << 30));
    if (count < 0) {
      if (errno == EINTR) continue;
      fail("write to a memfd");
    }
    data += count;
    size -= static_cast<std::size_t>(count);
  }
}

}  // namespace

FileDescriptor copy_to_memfd(const void* data, std::size_t size) {
  FileDescriptor memory = make_memfd();
  write_all(memory.get(), static_cast<const char*>(data), size);
  seal(memory.get(), F_SEAL_WRITE);
  return read_only_twin(memory.get());
}

Mapping::Mapping(Mapping&& other) noexcept
    : address_(std::exchange(other.address_, nullptr)),
      length_(std::exchange(other.length_, 0)),
      offset_(std::exchange(other.offset_, 0)),
      size_(std::exchange(other.size_, 0)) {}

Mapping::~Mapping() {
  if (length_ > 0) ::munmap(address_, length_);
}

Mapping map_sealed(int fd, std::uint64_t offset, std::uint64_t size) {
  struct stat status;
  struct statfs filesystem;
  if (::fstat(fd, &status) != 0 || ::fstatfs(fd, &filesystem) != 0) fail("stat of a shared buffer");
  // Huge-page memory can fault with SIGBUS when read: only ordinary shared memory is taken.
  if (!S_ISREG(status.st_mode) || filesystem.f_type != TMPFS_MAGIC) {
    throw FrameError("a shared buffer is not an ordinary memfd");
  }
  constexpr int kNeeded = F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW;
  const int seals = ::fcntl(fd, F_GET_SEALS);
  if (seals < 0 || (seals & kNeeded) != kNeeded) throw FrameError("a shared buffer is not sealed");
  const auto total = static_cast<std::uint64_t>(status.st_size);
  if (offset > total || size > total - offset) throw FrameError("a shared buffer is smaller than announced");
  if (size == 0) return Mapping();
  const std::uint64_t into_page = offset % static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  const std::size_t length = size + into_page;
  void* address = ::mmap(nullptr, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_NORESERVE, fd,
                         static_cast<off_t>(offset - into_page));
  if (address == MAP_FAILED) fail("mmap of a shared buffer");
  return Mapping(address, length, into_page, size);
}

namespace {

Mapping map_writable(int fd, std::size_t size) {
  if (size == 0) return Mapping();
  if (::ftruncate(fd, static_cast<off_t>(size)) != 0) fail("sizing shared memory");
  void* address = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (address == MAP_FAILED) fail("mmap of shared memory");
  return Mapping(address, size, 0, size);
}

FileDescriptor publish(int fd) {
  seal(fd, F_SEAL_FUTURE_WRITE);
  return read_only_twin(fd);
}

}  // namespace

SharedMemory::SharedMemory(std::size_t size) : SharedMemory(make_memfd(), size) {}

SharedMemory::SharedMemory(FileDescriptor memory, std::size_t size)
    : mapping_(map_writable(memory.get(), size)), read_only_(publish(memory.get())) {}

}  // namespace dcp::bindings
