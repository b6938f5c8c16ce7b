#include "isolation/mounts.hpp"

#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace dcp::isolation {
namespace {

/// Mounts a tmpfs over a directory that every system has, and makes it the current directory.
Failure enter_tmpfs(unsigned long flags, const char* options) {
  flags |= MS_NOSUID | MS_NODEV | MS_NOEXEC;
  Failure failure;
  for (const char* place : {"/tmp", "/proc", "/dev", "/usr"}) {
    if (mount("none", place, "tmpfs", flags, options) != 0) {
      failure = failed(std::string("mount tmpfs on ") + place);
    } else {
      return chdir(place) == 0 ? Failure{} : failed(std::string("chdir ") + place);
    }
  }
  return failure;
}

}  // namespace

Failure private_mounts() {
  return mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 ? Failure{} : failed("mount / private");
}

Failure replace_root(unsigned long flags, const char* options) {
  if (Failure failure = enter_tmpfs(flags, options); !failure.empty()) return failure;
  // With both arguments the same, the old root ends up on top of the new one and is taken off (pivot_root(2), Notes).
  if (syscall(SYS_pivot_root, ".", ".") != 0) return failed("pivot_root");
  if (umount2(".", MNT_DETACH) != 0) return failed("umount the old root");
  return chdir("/") == 0 ? Failure{} : failed("chdir /");
}

Failure empty_root() {
  if (Failure failure = private_mounts(); !failure.empty()) return failure;
  return replace_root(MS_RDONLY, "size=4k,nr_inodes=1,mode=555");
}

}  // namespace dcp::isolation
