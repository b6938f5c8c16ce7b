#include "cache/folder.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <memory>
#include <string_view>
#include <system_error>
#include <tuple>
#include <vector>

#include "cache/trusted_folder.hpp"

namespace dcp::cache {

namespace {

constexpr std::time_t kLeftoverAge = 3600;  // seconds
constexpr std::string_view kNewPrefix = ".new-", kLockPrefix = ".lock-";
constexpr std::string_view kHexadecimal = "0123456789abcdef", kDecimal = "0123456789";
constexpr mode_t kOthersWrite = S_IWGRP | S_IWOTH;

/// Takes characters of `allowed` from the front of `text`. False where there are not `least` to `most` of them.
bool take(std::string_view& text, std::string_view allowed, std::size_t least, std::size_t most) {
  const std::size_t size = std::min(text.find_first_not_of(allowed), text.size());
  text.remove_prefix(size);
  return size >= least && size <= most;
}

bool take(std::string_view& text, std::string_view word) {
  if (!text.starts_with(word)) return false;
  text.remove_prefix(word.size());
  return true;
}

/// Whether make_name() makes such a name.
bool is_file_name(std::string_view name) {
  const bool keys = take(name, kHexadecimal, 16, 16) && take(name, "-") && take(name, kHexadecimal, 16, 16);
  return keys && (name.empty() || (take(name, "-") && take(name, kDecimal, 1, 10) && name.empty()));
}

bool is_leftover(std::string_view name) {
  if (take(name, kLockPrefix)) return is_file_name(name);
  return take(name, kNewPrefix) && take(name, kDecimal, 1, 10) && take(name, "-") && take(name, kDecimal, 1, 10) &&
         name.empty();
}

struct Entry {
  std::string name;
  std::time_t seconds;  ///< of its last use
  long nanoseconds;
  std::uint64_t size;
};

/// The plain files whose names are `wanted`.
std::vector<Entry> entries(int folder, bool wanted(std::string_view name)) {
  std::vector<Entry> found;
  const int own = ::openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);  // with a position of its own
  const std::unique_ptr<DIR, int (*)(DIR*)> listed(own < 0 ? nullptr : fdopendir(own), closedir);
  while (const dirent* each = listed ? readdir(listed.get()) : nullptr) {
    struct stat status{};
    if (!wanted(each->d_name) || fstatat(folder, each->d_name, &status, AT_SYMLINK_NOFOLLOW) != 0) continue;
    if (!S_ISREG(status.st_mode)) continue;
    found.push_back(
        {each->d_name, status.st_mtim.tv_sec, status.st_mtim.tv_nsec, static_cast<std::uint64_t>(status.st_size)});
  }
  return found;
}

}  // namespace

std::string make_name(std::uint64_t first, std::uint64_t second, std::optional<unsigned> variant) {
  char name[40];
  std::snprintf(name, sizeof name, "%016llx-%016llx", static_cast<unsigned long long>(first),
                static_cast<unsigned long long>(second));
  return variant ? std::string(name) + "-" + std::to_string(*variant) : name;
}

Folder::Folder(const std::string& path, std::uint64_t limit, Use use) : limit_(limit) {
  if (path.empty()) return;
  folder_ = open_trusted_folder(path, refusal_);
  if (folder_) check(path, use);
  if (refusal_.empty()) {
    remove_leftovers();
    return;
  }
  folder_ = ipc::Descriptor();
  refusal_ += "; DCP_EVALUATOR_CACHE may name another folder, or be off";
}

void Folder::check(const std::string& path, Use use) {
  struct statvfs system{};
  if (faccessat(folder_.get(), ".", W_OK | X_OK, AT_EACCESS) != 0 || fstatvfs(folder_.get(), &system) != 0) {
    refusal_ = path + ": " + std::strerror(errno);
  } else if (use == Use::execute && (system.f_flag & ST_NOEXEC) != 0) {
    refusal_ = path + " lies on a file system that is mounted noexec";
  }
}

void Folder::remove_leftovers() const {
  const std::time_t oldest = std::time(nullptr) - kLeftoverAge;
  for (const Entry& entry : entries(folder_.get(), is_leftover)) {
    if (entry.seconds < oldest) remove(entry.name);
  }
}

ipc::Descriptor Folder::open(const std::string& name) const {
  ipc::Descriptor file(::openat(folder_.get(), name.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  struct stat status{};
  if (!file || fstat(file.get(), &status) != 0) return {};
  if (!S_ISREG(status.st_mode) || status.st_uid != geteuid() || (status.st_mode & kOthersWrite) != 0) return {};
  (void)futimens(file.get(), nullptr);
  return file;
}

bool Folder::has(const std::string& name) const {
  return faccessat(folder_.get(), name.c_str(), F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

void Folder::remove(const std::string& name) const { (void)unlinkat(folder_.get(), name.c_str(), 0); }

bool Folder::put(const std::string& name, std::uint64_t size, const std::function<void(int fd)>& write, bool flush) {
  if (size > limit_ / 2) return false;
  const std::string fresh = std::string(kNewPrefix) + std::to_string(getpid()) + "-" + std::to_string(counter_++);
  const ipc::Descriptor file(::openat(folder_.get(), fresh.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!file) return false;
  make_room(size);
  try {
    write(file.get());
    const bool written = fchmod(file.get(), 0600) == 0 && (!flush || fsync(file.get()) == 0);
    if (written && renameat(folder_.get(), fresh.c_str(), folder_.get(), name.c_str()) == 0) return true;
  } catch (const std::system_error&) {
    // A full disk: it is made again next time.
  }
  remove(fresh);
  return false;
}

// A lock file is removed by a later evaluator, not here: another process may be about to lock it.
std::optional<ipc::Descriptor> Folder::lock(const std::string& name) const {
  const std::string path = std::string(kLockPrefix) + name;
  ipc::Descriptor lock(::openat(folder_.get(), path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (lock && flock(lock.get(), LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) return std::nullopt;
  return lock;
}

// For so many bytes more.
void Folder::make_room(std::uint64_t size) const {
  std::vector<Entry> found = entries(folder_.get(), is_file_name);
  std::uint64_t total = size;
  for (const Entry& entry : found) total += entry.size;
  std::ranges::sort(found, {}, [](const Entry& entry) { return std::tie(entry.seconds, entry.nanoseconds); });
  for (const Entry& entry : found) {
    if (total <= limit_) return;
    remove(entry.name);
    total -= entry.size;
  }
}

}  // namespace dcp::cache
