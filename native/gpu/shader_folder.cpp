#include "gpu/shader_folder.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdlib>
#include <span>
#include <string>
#include <system_error>

#include "ipc/descriptor.hpp"
#include "ipc/packet.hpp"

namespace dcp::gpu {
namespace {

/// Of Mesa, below XDG_CACHE_HOME; another driver leaves it empty.
constexpr const char* kName = "/mesa_shader_cache";

ipc::Descriptor make_folder() {
  const char* above = std::getenv("XDG_CACHE_HOME");
  if (above == nullptr) return {};
  const std::string path = std::string(above) + kName;
  if (mkdir(path.c_str(), 0700) != 0) return {};
  return ipc::Descriptor(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
}

}  // namespace

void send_shader_folder(int socket, bool kept) {
  const ipc::Descriptor folder = kept ? make_folder() : ipc::Descriptor();
  const int descriptor = folder.get();
  const std::span<const int> descriptors(&descriptor, folder ? 1 : 0);
  if (!ipc::send_packet(socket, "S", descriptors)) {
    throw std::system_error(errno, std::generic_category(), "sending the folder of shaders");
  }
}

}  // namespace dcp::gpu
