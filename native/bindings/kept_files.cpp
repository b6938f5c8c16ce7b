#include "kept_files.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string_view>
#include <system_error>

#include "ipc/descriptor.hpp"
#include "shared_memory.hpp"

namespace py = pybind11;

namespace dcp::bindings {
namespace {

std::string name_of(std::string_view key) {
  std::uint64_t words[2];
  if (key.size() < sizeof words) throw py::value_error("a key has 16 bytes at least");
  std::memcpy(words, key.data(), sizeof words);
  return cache::make_name(words[0], words[1]);
}

void write_all(int fd, std::string_view data) {
  while (!data.empty()) {
    const ssize_t written = ::write(fd, data.data(), data.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) throw std::system_error(errno, std::generic_category(), "write");
    data.remove_prefix(static_cast<std::size_t>(written));
  }
}

}  // namespace

py::object KeptFiles::read(const py::bytes& key) const {
  const ipc::Descriptor file = folder_ ? folder_.open(name_of(key)) : ipc::Descriptor();
  struct stat status{};
  if (!file || fstat(file.get(), &status) != 0) return py::none();
  std::string data(static_cast<std::size_t>(status.st_size), '\0');
  try {
    const py::gil_scoped_release unlocked;
    read_all(file.get(), 0, data);
  } catch (const std::system_error&) {
    return py::none();
  }
  return py::bytes(data);
}

bool KeptFiles::write(const py::bytes& key, const py::bytes& data) {
  const std::string name = name_of(key);
  const std::string_view content = data;
  if (!folder_) return false;
  const py::gil_scoped_release unlocked;
  return folder_.put(name, content.size(), [content](int fd) { write_all(fd, content); }, /*flush=*/false);
}

void KeptFiles::remove(const py::bytes& key) const {
  if (folder_) folder_.remove(name_of(key));
}

}  // namespace dcp::bindings
