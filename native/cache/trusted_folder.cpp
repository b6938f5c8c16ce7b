#include "cache/trusted_folder.hpp"

#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <deque>
#include <stdexcept>

namespace dcp::cache {

namespace {

constexpr int kMostLinks = 40;  // as the kernel has it
constexpr mode_t kOthersWrite = S_IWGRP | S_IWOTH;

struct Untrusted : std::runtime_error {
  using std::runtime_error::runtime_error;
};

[[noreturn]] void fail(const std::string& what) { throw Untrusted(what + ": " + std::strerror(errno)); }

ipc::Descriptor open_folder(int above, const char* name, int access) {
  return ipc::Descriptor(::openat(above, name, access | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
}

/// The way from the root to a folder, name by name.
class Walk {
 public:
  explicit Walk(const std::string& path) { prepend(path); }

  ipc::Descriptor to_the_end() {
    start();
    while (!names_.empty()) {
      const std::string name = std::move(names_.front());
      names_.pop_front();
      enter(name);
    }
    if (status_.st_uid != geteuid() || (status_.st_mode & kOthersWrite) != 0) {
      throw Untrusted(path_ + " must belong to the user that runs the evaluator, and nobody else may write there" +
                      " (chmod 700 " + path_ + ")");
    }
    ipc::Descriptor opened = open_folder(folder_.get(), ".", O_RDONLY);
    if (!opened) fail(path_ + " cannot be opened");
    return opened;
  }

 private:
  void prepend(const std::string& path) {
    std::deque<std::string> names;
    for (std::size_t at = 0; at < path.size();) {
      const std::size_t end = std::min(path.find('/', at), path.size());
      if (end > at && path.compare(at, end - at, ".") != 0) names.push_back(path.substr(at, end - at));
      at = end + 1;
    }
    names_.insert(names_.begin(), names.begin(), names.end());
  }

  void start() {
    path_ = "/";
    folder_ = open_folder(AT_FDCWD, "/", O_PATH);
    if (!folder_ || fstatat(folder_.get(), "", &status_, AT_EMPTY_PATH) != 0) fail(path_);
    system_ = status_.st_uid;  // not 0 in a user namespace that lacks root
    check();
  }

  void enter(const std::string& name) {
    const std::string path = (path_ == "/" ? "" : path_) + "/" + name;
    struct stat status{};
    if (fstatat(folder_.get(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) {
      if (errno != ENOENT) fail(path);
      make(name, path);
    } else if (S_ISLNK(status.st_mode) && !names_.empty()) {
      return follow(name, path, status.st_uid);
    }
    ipc::Descriptor next = open_folder(folder_.get(), name.c_str(), O_PATH);
    if (!next) fail(path + " is no folder");
    folder_ = std::move(next);
    path_ = path;
    if (fstatat(folder_.get(), "", &status_, AT_EMPTY_PATH) != 0) fail(path);
    check();
  }

  void make(const std::string& name, const std::string& path) {
    if (mkdirat(folder_.get(), name.c_str(), 0700) == 0) {
      (void)fchmodat(folder_.get(), name.c_str(), 0700, 0);  // whatever the umask took away
    } else if (errno != EEXIST) {                            // another evaluator has just made it
      fail(path + " cannot be made");
    }
  }

  // The folders on the way of its target are looked at like all others.
  void follow(const std::string& name, const std::string& path, uid_t owner) {
    char target[PATH_MAX];
    if (++links_ > kMostLinks) throw Untrusted(path + ": too many links");
    if (!is_trusted(owner)) throw Untrusted(path + " is a link that belongs to another user");
    const ssize_t size = readlinkat(folder_.get(), name.c_str(), target, sizeof target);
    if (size <= 0) fail(path);
    prepend({target, static_cast<std::size_t>(size)});
    if (target[0] == '/') start();
  }

  bool is_trusted(uid_t owner) const { return owner == 0 || owner == geteuid() || owner == system_; }

  void check() const {
    if (!is_trusted(status_.st_uid)) {
      throw Untrusted(path_ + " belongs to another user, who could exchange what lies below it");
    }
    if ((status_.st_mode & kOthersWrite) != 0 && (status_.st_mode & S_ISVTX) == 0) {
      throw Untrusted(path_ + " may be written to by others, who could exchange what lies below it (chmod go-w " +
                      path_ + ")");
    }
  }

  std::deque<std::string> names_;  ///< still to be entered
  ipc::Descriptor folder_;
  struct stat status_{};
  std::string path_;
  uid_t system_ = 0;
  int links_ = 0;
};

}  // namespace

ipc::Descriptor open_trusted_folder(const std::string& path, std::string& reason) {
  try {
    return Walk(path).to_the_end();
  } catch (const Untrusted& fault) {
    reason = fault.what();
    return {};
  }
}

}  // namespace dcp::cache
