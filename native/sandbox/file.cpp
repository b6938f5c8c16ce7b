#include "sandbox/file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <stdexcept>

#include "ipc/descriptor.hpp"

namespace dcp::sandbox {

namespace {

constexpr std::size_t kLeastRoom = 64 * 1024;  // for a pipe, whose size is not known

}  // namespace

std::string_view read_file(const std::string& path, std::unique_ptr<char[]>& buffer) {
  const ipc::Descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat status{};
  if (!file || fstat(file.get(), &status) != 0) throw std::runtime_error(path + ": " + std::strerror(errno));
  std::size_t room = std::max(static_cast<std::size_t>(status.st_size) + 1, kLeastRoom), size = 0;
  buffer = std::make_unique_for_overwrite<char[]>(room);
  for (;;) {
    const ssize_t got = read(file.get(), buffer.get() + size, room - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw std::runtime_error(path + ": " + std::strerror(errno));
    if (got == 0) break;
    size += static_cast<std::size_t>(got);
    if (size < room) continue;
    auto larger = std::make_unique_for_overwrite<char[]>(room * 2);
    std::memcpy(larger.get(), buffer.get(), size);
    buffer = std::move(larger);
    room *= 2;
  }
  buffer[size] = '\0';
  return {buffer.get(), size};
}

}  // namespace dcp::sandbox
