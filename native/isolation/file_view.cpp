#include "isolation/file_view.hpp"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <climits>
#include <cstdlib>
#include <filesystem>

#include "isolation/mounts.hpp"

namespace dcp::isolation {
namespace {

// The kernel's numbers, the same on every architecture, since headers may be older.
constexpr long kOpenTree = 428, kMoveMount = 429, kMountSetattr = 442;
constexpr unsigned kClone = 1, kMoveFromEmptyPath = 4, kRecursive = 0x8000;
constexpr std::uint64_t kReadOnly = 1, kNoSetuid = 2, kNoDevices = 4;

struct MountAttributes {
  std::uint64_t set, clear, propagation, namespace_fd;
};

/// One thing of the old root, taken out of it before that goes.
struct Taken {
  std::string path;      ///< as the view names it
  std::string resolved;  ///< without symbolic links
  int tree = -1;         ///< a detached mount
  bool folder = false;
};

Failure protect(int tree, std::uint64_t attributes, unsigned recursive = kRecursive) {
  const MountAttributes wanted{attributes, 0, 0, 0};
  const long result = syscall(kMountSetattr, tree, "", AT_EMPTY_PATH | recursive, &wanted, sizeof wanted);
  return result == 0 ? Failure{} : failed("mount_setattr (Linux 5.12 is needed)");
}

Failure take(const std::string& path, std::uint64_t attributes, std::vector<Taken>& taken) {
  char resolved[PATH_MAX];
  struct stat status{};
  if (realpath(path.c_str(), resolved) == nullptr || stat(resolved, &status) != 0) return {};
  for (const Taken& other : taken) {
    if (other.resolved != resolved) continue;
    taken.push_back({path, resolved, -1, other.folder});
    return {};
  }
  Taken one{path, resolved, -1, S_ISDIR(status.st_mode)};
  one.tree = static_cast<int>(syscall(kOpenTree, AT_FDCWD, resolved, kClone | O_CLOEXEC | kRecursive));
  if (one.tree < 0) return failed("open_tree " + path);
  taken.push_back(one);
  return protect(one.tree, attributes);
}

/// The folders above `path`. One that is there already, as a link to what was mounted, will do.
Failure make_parents(const std::string& path) {
  std::error_code error;
  std::filesystem::create_directories(std::filesystem::path(path).parent_path(), error);
  return error ? "creating folders for " + path + ": " + error.message() : Failure{};
}

/// Makes the place where something is to be mounted. What lies within what was mounted before is there already.
Failure make_place(const std::string& path, bool folder) {
  if (access(path.c_str(), F_OK) == 0) return {};
  if (Failure failure = make_parents(path); !failure.empty()) return failure;
  const int made = folder ? mkdir(path.c_str(), 0555) : open(path.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0444);
  if (made < 0) return failed("creating " + path);
  if (!folder) close(made);
  return {};
}

Failure put(const Taken& one) {
  if (one.tree >= 0) {
    if (Failure failure = make_place(one.resolved, one.folder); !failure.empty()) return failure;
    if (syscall(kMoveMount, one.tree, "", AT_FDCWD, one.resolved.c_str(), kMoveFromEmptyPath) != 0) {
      return failed("move_mount " + one.resolved);
    }
  }
  if (one.path == one.resolved || access(one.path.c_str(), F_OK) == 0) return {};
  if (Failure failure = make_parents(one.path); !failure.empty()) return failure;
  return symlink(one.resolved.c_str(), one.path.c_str()) == 0 ? Failure{} : failed("symlink " + one.path);
}

Failure make_scratch(const FileView& view) {
  if (view.scratch.empty()) return {};
  if (mkdir(view.scratch.c_str(), 0700) != 0) return failed("creating " + view.scratch);
  const std::string size = "size=" + std::to_string(view.scratch_mebibytes) + "m,nr_inodes=1024,mode=1777";
  constexpr unsigned long flags = MS_NOSUID | MS_NODEV | MS_NOEXEC;
  return mount("none", view.scratch.c_str(), "tmpfs", flags, size.c_str()) == 0 ? Failure{} : failed("mount scratch");
}

Failure fill(const FileView& view, const std::vector<Taken>& taken) {
  (void)umask(S_IWGRP | S_IWOTH);  // the caller's may keep these folders from the user that the host becomes
  for (const Taken& one : taken) {
    if (Failure failure = put(one); !failure.empty()) return failure;
  }
  if (Failure failure = make_scratch(view); !failure.empty()) return failure;
  const int root = open("/", O_PATH | O_CLOEXEC);
  if (root < 0) return failed("open /");
  Failure failure = protect(root, kReadOnly, 0);
  close(root);
  return failure;
}

}  // namespace

Failure enter_view(const FileView& view) {
  std::vector<Taken> taken;
  Failure failure = private_mounts();
  for (const std::string& path : view.readable) {
    if (failure.empty()) failure = take(path, kReadOnly | kNoSetuid | kNoDevices, taken);
  }
  for (const std::string& path : view.devices) {
    if (failure.empty()) failure = take(path, kReadOnly | kNoSetuid, taken);
  }
  if (failure.empty()) failure = replace_root(0, "size=256k,nr_inodes=2048,mode=755");
  if (failure.empty()) failure = fill(view, taken);
  for (const Taken& one : taken) {
    if (one.tree >= 0) close(one.tree);
  }
  return failure;
}

}  // namespace dcp::isolation
