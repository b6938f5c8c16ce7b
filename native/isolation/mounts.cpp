#include "isolation/mounts.hpp"

#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace dcp::isolation {
namespace {

/// Mounts an empty tmpfs over a directory that every system has, and makes it the current directory.
Failure enter_empty_tmpfs() {
  constexpr unsigned long flags = MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC;
  Failure failure;
  for (const char* place : {"/tmp", "/proc", "/dev", "/usr"}) {
    if (mount("none", place, "tmpfs", flags, "size=4k,nr_inodes=1,mode=555") != 0) {
      failure = failed(std::string("mount tmpfs on ") + place);
    } else {
      return chdir(place) == 0 ? Failure{} : failed(std::string("chdir ") + place);
    }
  }
  return failure;
}

}  // namespace

Failure empty_root() {
  if (mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return failed("mount / private");
  if (Failure failure = enter_empty_tmpfs(); !failure.empty()) return failure;
  // With both arguments the same, the old root ends up on top of the new one and is taken off (pivot_root(2), Notes).
  if (syscall(SYS_pivot_root, ".", ".") != 0) return failed("pivot_root");
  if (umount2(".", MNT_DETACH) != 0) return failed("umount the old root");
  return chdir("/") == 0 ? Failure{} : failed("chdir /");
}

}  // namespace dcp::isolation
