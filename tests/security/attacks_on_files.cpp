// Files, devices, terminals, and descriptors that were left open.
#include <dirent.h>
#include <fcntl.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "attack.hpp"

namespace dcp::attacks {
namespace {

std::string read_file() { return open_and_close("/etc/passwd", O_RDONLY); }
std::string write_file() {
  const std::string text = open_and_close("/tmp/dcp-attack", O_WRONLY | O_CREAT);
  (void)unlink("/tmp/dcp-attack");
  return text;
}
std::string list_home() { return open_and_close("/root", O_RDONLY | O_DIRECTORY); }
std::string list_tmp() { return open_and_close("/tmp", O_RDONLY | O_DIRECTORY); }
/// The folders of the machine's own root, not of a view.
std::string list_root() {
  DIR* folder = opendir("/");
  if (folder == nullptr) return outcome(-1);
  std::string found;
  while (const dirent* entry = readdir(folder)) {
    if (std::string_view(entry->d_name) == "home" || std::string_view(entry->d_name) == "root") found = entry->d_name;
  }
  closedir(folder);
  errno = ENOENT;
  return outcome(found.empty() ? -1 : 0, "the machine's root is listed");
}
std::string proc_self_mem() { return open_and_close("/proc/self/mem", O_RDWR); }
std::string proc_self_maps() { return open_and_close("/proc/self/maps", O_RDONLY); }
std::string proc_environment() { return open_and_close("/proc/1/environ", O_RDONLY); }
std::string proc_kernel() { return open_and_close("/proc/sys/kernel/core_pattern", O_RDONLY); }
std::string memory_device() { return open_and_close("/dev/mem", O_RDONLY); }
std::string display_device() { return open_and_close("/dev/dri/card0", O_RDWR); }
std::string terminal() { return open_and_close("/dev/tty", O_RDWR); }
/// All of descriptors 0 to 1023 that are a terminal take a character.
std::string feed_terminal() {
  char letter = 'x';
  errno = ENOTTY;
  for (int fd = 0; fd < 3; ++fd) {
    if (ioctl(fd, TIOCSTI, &letter) == 0) return "SUCCEEDED: the terminal is fed";
  }
  return outcome(-1);
}
std::string stat_file() {
  struct stat status{};
  return outcome(stat("/etc/passwd", &status), "stat");
}
std::string rename_file() { return outcome(rename("/etc/hostname", "/etc/hostname"), "rename"); }
std::string make_node() {
  return outcome(mknod("/tmp/dcp-node", S_IFIFO | 0600, 0) | unlink("/tmp/dcp-node"), "mknod");
}
std::string change_mode() { return outcome(chmod("/dev/null", 0666), "the mode of a device"); }
std::string give_away() { return outcome(chown("/dev/null", geteuid(), getegid()), "the owner of a device"); }
std::string by_handle() {
  alignas(file_handle) char bytes[sizeof(file_handle) + 8] = {};
  auto* handle = reinterpret_cast<file_handle*>(bytes);
  handle->handle_bytes = 8;
  const int fd = open_by_handle_at(AT_FDCWD, handle, O_RDONLY);
  return fd < 0 && errno == ESTALE ? "SUCCEEDED: handles are looked up" : outcome(fd, "a handle");
}
std::string watch_files() {
  const int fd = inotify_init1(IN_CLOEXEC);
  const std::string text = outcome(fd < 0 ? -1 : inotify_add_watch(fd, "/etc", IN_ALL_EVENTS), "a watch");
  if (fd >= 0) close(fd);
  return text;
}
/// A descriptor that leads to a file, a folder, a device other than /dev/null or a terminal.
std::string inherited_descriptors() {
  for (int fd = 0; fd < 1024; ++fd) {
    struct stat status{};
    if (fstat(fd, &status) != 0) continue;
    const std::string where = std::to_string(fd);
    if (S_ISDIR(status.st_mode) || S_ISBLK(status.st_mode)) return "SUCCEEDED: a folder or disk is open at " + where;
    // Of those without a name in the file system, as memfds, there is no link.
    if (S_ISREG(status.st_mode) && status.st_nlink != 0) return "SUCCEEDED: a file is open at " + where;
    if (S_ISCHR(status.st_mode) && status.st_rdev != makedev(1, 3)) return "SUCCEEDED: a device is open at " + where;
  }
  return "refused: none is open";
}

constexpr Attack kAttacks[] = {
    ATTACK(read_file),      ATTACK(write_file),       ATTACK(list_home),
    ATTACK(list_tmp),       ATTACK(list_root),        ATTACK(proc_self_mem),
    ATTACK(proc_self_maps), ATTACK(proc_environment), ATTACK(proc_kernel),
    ATTACK(memory_device),  ATTACK(display_device),   ATTACK(terminal),
    ATTACK(feed_terminal),  ATTACK(stat_file),        ATTACK(rename_file),
    ATTACK(make_node),      ATTACK(change_mode),      ATTACK(give_away),
    ATTACK(by_handle),      ATTACK(watch_files),      ATTACK(inherited_descriptors),
};

}  // namespace

std::span<const Attack> on_files() { return kAttacks; }

}  // namespace dcp::attacks
