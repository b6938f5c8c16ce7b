#include "cache/folder.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <vector>

namespace dcp::cache {

namespace fs = std::filesystem;

namespace {

constexpr std::chrono::hours kLeftoverAge{1};
constexpr std::string_view kNewPrefix = ".new-", kLockPrefix = ".lock-";
constexpr mode_t kOthersWrite = S_IWGRP | S_IWOTH;

std::string text_of(int error) { return std::strerror(error); }

}  // namespace

Folder::Folder(std::string path, std::uint64_t limit, Use use) : path_(std::move(path)), limit_(limit) {
  if (path_.empty()) return;
  prepare(use);
  if (!refusal_.empty()) path_.clear();
  if (!path_.empty()) remove_leftovers();
}

void Folder::prepare(Use use) {
  std::error_code failure;
  fs::create_directories(fs::path(path_).parent_path(), failure);
  if (mkdir(path_.c_str(), 0700) != 0 && errno != EEXIST) {
    refusal_ = path_ + " cannot be made: " + text_of(errno);
    return;
  }
  struct stat status{};
  struct statvfs system{};
  if (lstat(path_.c_str(), &status) != 0 || statvfs(path_.c_str(), &system) != 0) {
    refusal_ = path_ + ": " + text_of(errno);
  } else if (!S_ISDIR(status.st_mode)) {
    refusal_ = path_ + " is no folder";
  } else if (status.st_uid != geteuid() || (status.st_mode & kOthersWrite) != 0) {
    refusal_ = path_ + " must belong to the user that runs the evaluator, and nobody else may write there (chmod 700)";
  } else if (access(path_.c_str(), W_OK | X_OK) != 0) {
    refusal_ = path_ + ": " + text_of(errno);
  } else if (use == Use::execute && (system.f_flag & ST_NOEXEC) != 0) {
    refusal_ = path_ + " lies on a file system that is mounted noexec";
  }
}

void Folder::remove_leftovers() const {
  std::error_code failure;
  const auto oldest = fs::file_time_type::clock::now() - kLeftoverAge;
  for (const auto& entry : fs::directory_iterator(path_, failure)) {
    const std::string name = entry.path().filename().string();
    if (!name.starts_with(kNewPrefix) && !name.starts_with(kLockPrefix)) continue;
    if (entry.last_write_time(failure) < oldest) fs::remove(entry.path(), failure);
  }
}

ipc::Descriptor Folder::open(const std::string& name) const {
  ipc::Descriptor file(::open(path_of(name).c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  struct stat status{};
  if (!file || fstat(file.get(), &status) != 0) return {};
  if (!S_ISREG(status.st_mode) || status.st_uid != geteuid() || (status.st_mode & kOthersWrite) != 0) return {};
  (void)futimens(file.get(), nullptr);
  return file;
}

bool Folder::has(const std::string& name) const { return access(path_of(name).c_str(), F_OK) == 0; }

void Folder::remove(const std::string& name) const { (void)unlink(path_of(name).c_str()); }

bool Folder::put(const std::string& name, const std::function<void(int fd)>& write, bool flush) {
  const std::string fresh =
      path_of(std::string(kNewPrefix) + std::to_string(getpid()) + "-" + std::to_string(counter_++));
  const ipc::Descriptor file(::open(fresh.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!file) return false;
  try {
    write(file.get());
    if ((!flush || fsync(file.get()) == 0) && rename(fresh.c_str(), path_of(name).c_str()) == 0) {
      shrink();
      return true;
    }
  } catch (const std::system_error&) {
    // A full disk: it is made again next time.
  }
  (void)unlink(fresh.c_str());
  return false;
}

// A lock file is removed by a later evaluator, not here: another process may be about to lock it.
std::optional<ipc::Descriptor> Folder::lock(const std::string& name) const {
  const std::string path = path_of(std::string(kLockPrefix) + name);
  ipc::Descriptor lock(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (lock && flock(lock.get(), LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) return std::nullopt;
  return lock;
}

void Folder::shrink() const {
  struct Entry {
    fs::file_time_type used;
    std::uint64_t size;
    fs::path path;
  };
  std::error_code failure;
  std::vector<Entry> entries;
  std::uint64_t total = 0;
  for (const auto& entry : fs::directory_iterator(path_, failure)) {
    const std::uint64_t size = entry.file_size(failure);
    if (failure) continue;  // removed by another evaluator
    entries.push_back({entry.last_write_time(failure), size, entry.path()});
    total += size;
  }
  std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) { return a.used < b.used; });
  for (const Entry& entry : entries) {
    if (total <= limit_) return;
    if (fs::remove(entry.path, failure)) total -= entry.size;
  }
}

}  // namespace dcp::cache
