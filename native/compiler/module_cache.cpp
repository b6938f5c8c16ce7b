#include "compiler/module_cache.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <vector>

#include "compiler/module_file.hpp"
#include "ipc/mapping.hpp"
#include "ipc/memfd.hpp"

namespace dcp::compiler {

namespace fs = std::filesystem;

namespace {

constexpr std::uint64_t kMostVariants = 8;  // modules with one key; more are collisions made on purpose
constexpr std::uint64_t kMostInMemory = std::uint64_t{512} << 20;
constexpr std::chrono::hours kLeftoverAge{1};
constexpr std::string_view kNewPrefix = ".new-", kLockPrefix = ".lock-";

std::string text_of(int error) { return std::strerror(error); }

bool same_module(int fd, std::span<const std::byte> wasm) {
  const auto layout = read_layout(fd);
  if (!layout || layout->wasm_size != wasm.size()) return false;
  const ipc::Mapping stored(fd, layout->wasm_offset, wasm.size());
  return std::memcmp(stored.bytes().data(), wasm.data(), wasm.size()) == 0;
}

}  // namespace

ModuleCache::ModuleCache(std::string folder, std::uint64_t limit) : folder_(std::move(folder)), limit_(limit) {
  if (folder_.empty()) return;
  prepare_folder();
  if (!refusal_.empty()) folder_.clear();
  if (!folder_.empty()) remove_leftovers();
}

// Whoever else could write here would choose the code that sandboxes run.
void ModuleCache::prepare_folder() {
  std::error_code failure;
  fs::create_directories(fs::path(folder_).parent_path(), failure);
  if (mkdir(folder_.c_str(), 0700) != 0 && errno != EEXIST) {
    refusal_ = folder_ + " cannot be made: " + text_of(errno);
    return;
  }
  struct stat status{};
  struct statvfs system{};
  if (lstat(folder_.c_str(), &status) != 0 || statvfs(folder_.c_str(), &system) != 0) {
    refusal_ = folder_ + ": " + text_of(errno);
  } else if (!S_ISDIR(status.st_mode)) {
    refusal_ = folder_ + " is no folder";
  } else if (status.st_uid != geteuid() || (status.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
    refusal_ =
        folder_ + " must belong to the user that runs the evaluator, and nobody else may write there (chmod 700)";
  } else if (access(folder_.c_str(), W_OK | X_OK) != 0) {
    refusal_ = folder_ + ": " + text_of(errno);
  } else if ((system.f_flag & ST_NOEXEC) != 0) {
    refusal_ = folder_ + " lies on a file system that is mounted noexec";
  }
}

void ModuleCache::remove_leftovers() const {
  std::error_code failure;
  const auto oldest = fs::file_time_type::clock::now() - kLeftoverAge;
  for (const auto& entry : fs::directory_iterator(folder_, failure)) {
    const std::string name = entry.path().filename().string();
    if (!name.starts_with(kNewPrefix) && !name.starts_with(kLockPrefix)) continue;
    if (entry.last_write_time(failure) < oldest) fs::remove(entry.path(), failure);
  }
}

std::string ModuleCache::path_of(const Key& key, std::uint64_t variant) const {
  char name[64];
  std::snprintf(name, sizeof name, "/%016llx-%016llx-%u", static_cast<unsigned long long>(key.settings),
                static_cast<unsigned long long>(key.content), static_cast<unsigned>(variant));
  return folder_ + name;
}

// Marks the file as used now. One that is torn is removed.
ipc::Descriptor ModuleCache::open_variant(const Key& key, std::uint64_t variant) {
  const std::string path = path_of(key, variant);
  ipc::Descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  struct stat status{};
  if (!file || fstat(file.get(), &status) != 0) return {};
  const FileId id = {status.st_dev, status.st_ino, static_cast<std::uint64_t>(status.st_size)};
  const auto layout = read_layout(file.get());
  const bool mine = S_ISREG(status.st_mode) && status.st_uid == geteuid();
  if (!mine || !layout || (!verified_.contains(id) && !is_whole(file.get(), *layout))) {
    (void)unlink(path.c_str());
    return {};
  }
  verified_.insert(id);
  (void)futimens(file.get(), nullptr);
  return file;
}

ipc::Descriptor ModuleCache::candidate(const Key& key, std::uint64_t attempt) {
  if (folder_.empty()) {
    for (InMemory& kept : memory_) {
      if (kept.key == key && attempt-- == 0) return ipc::Descriptor(fcntl(kept.file.get(), F_DUPFD_CLOEXEC, 0));
    }
    return {};
  }
  for (std::uint64_t variant = 0; variant < kMostVariants; ++variant) {
    ipc::Descriptor file = open_variant(key, variant);
    if (file && attempt-- == 0) return file;
  }
  return {};
}

ipc::Descriptor ModuleCache::find(const Key& key, std::span<const std::byte> wasm) {
  for (std::uint64_t attempt = 0; attempt < kMostVariants; ++attempt) {
    ipc::Descriptor file = candidate(key, attempt);
    if (!file || same_module(file.get(), wasm)) return file;
  }
  return {};
}

// A lock file is removed by the next evaluator, not here: another process may be about to lock it.
std::optional<ipc::Descriptor> ModuleCache::claim(const Key& key) {
  if (folder_.empty()) return ipc::Descriptor();
  const std::string path = folder_ + "/" + std::string(kLockPrefix) + path_of(key, 0).substr(folder_.size() + 1);
  ipc::Descriptor lock(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (lock && flock(lock.get(), LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) return std::nullopt;
  return lock;
}

ipc::Descriptor ModuleCache::put(const Key& key, std::span<const std::byte> code, std::span<const std::byte> wasm) {
  if (!folder_.empty()) {
    const std::string path = path_of(key, free_variant(key));
    const std::string fresh =
        folder_ + "/" + std::string(kNewPrefix) + std::to_string(getpid()) + "-" + std::to_string(counter_++);
    const ipc::Descriptor file(open(fresh.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    try {
      if (!file) throw std::system_error(errno, std::generic_category(), "open");
      write_module_file(file.get(), code, wasm);
      const bool kept = fsync(file.get()) == 0 && rename(fresh.c_str(), path.c_str()) == 0;
      if (kept) {
        shrink();
        if (ipc::Descriptor found = find(key, wasm)) return found;
      }
    } catch (const std::system_error&) {
      // A full disk: the module is compiled again next time.
    }
    (void)unlink(fresh.c_str());
  }
  ipc::Descriptor file(memfd_create("dcp-module", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!file) throw std::system_error(errno, std::generic_category(), "memfd_create");
  write_module_file(file.get(), code, wasm);
  ipc::seal(file.get());
  return folder_.empty() ? remember(key, std::move(file)) : std::move(file);
}

ipc::Descriptor ModuleCache::remember(const Key& key, ipc::Descriptor file) {
  struct stat status{};
  (void)fstat(file.get(), &status);
  ipc::Descriptor copy(fcntl(file.get(), F_DUPFD_CLOEXEC, 0));
  memory_.push_front({key, std::move(file), static_cast<std::uint64_t>(status.st_size)});
  std::uint64_t total = 0;
  for (std::size_t i = 0; i < memory_.size(); ++i) {
    total += memory_[i].size;
    if (i > 0 && total > std::min(limit_, kMostInMemory)) memory_.resize(i);
  }
  return copy;
}

// The first that is free; where all are taken, the first one gives way.
std::uint64_t ModuleCache::free_variant(const Key& key) const {
  for (std::uint64_t variant = 0; variant < kMostVariants; ++variant) {
    if (access(path_of(key, variant).c_str(), F_OK) != 0) return variant;
  }
  return 0;
}

void ModuleCache::shrink() {
  struct Entry {
    fs::file_time_type used;
    std::uint64_t size;
    fs::path path;
  };
  std::error_code failure;
  std::vector<Entry> entries;
  std::uint64_t total = 0;
  for (const auto& entry : fs::directory_iterator(folder_, failure)) {
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

}  // namespace dcp::compiler
