#include "compiler/module_cache.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <system_error>

#include "compiler/module_file.hpp"
#include "ipc/mapping.hpp"
#include "ipc/memfd.hpp"

namespace dcp::compiler {

namespace {

constexpr std::uint64_t kMostVariants = 8;  // modules with one key; more are collisions made on purpose
constexpr std::uint64_t kMostInMemory = std::uint64_t{512} << 20;

std::string name_of(const Key& key, std::uint64_t variant) {
  char name[64];
  std::snprintf(name, sizeof name, "%016llx-%016llx-%u", static_cast<unsigned long long>(key.settings),
                static_cast<unsigned long long>(key.content), static_cast<unsigned>(variant));
  return name;
}

bool same_module(int fd, std::span<const std::byte> wasm) {
  const auto layout = read_layout(fd);
  if (!layout || layout->wasm_size != wasm.size()) return false;
  const ipc::Mapping stored(fd, layout->wasm_offset, wasm.size());
  return std::memcmp(stored.bytes().data(), wasm.data(), wasm.size()) == 0;
}

}  // namespace

ModuleCache::ModuleCache(std::string folder, std::uint64_t limit)
    : folder_(std::move(folder), limit, cache::Use::execute), limit_(limit) {}

// A file that is torn is removed.
ipc::Descriptor ModuleCache::open_variant(const Key& key, std::uint64_t variant) {
  const std::string name = name_of(key, variant);
  ipc::Descriptor file = folder_.open(name);
  struct stat status{};
  if (!file || fstat(file.get(), &status) != 0) return {};
  const FileId id = {status.st_dev, status.st_ino, static_cast<std::uint64_t>(status.st_size)};
  const auto layout = read_layout(file.get());
  if (!layout || (!verified_.contains(id) && !is_whole(file.get(), *layout))) {
    folder_.remove(name);
    return {};
  }
  verified_.insert(id);
  return file;
}

ipc::Descriptor ModuleCache::candidate(const Key& key, std::uint64_t attempt) {
  if (!folder_) {
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

std::optional<ipc::Descriptor> ModuleCache::claim(const Key& key) {
  if (!folder_) return ipc::Descriptor();
  return folder_.lock(name_of(key, 0));
}

ipc::Descriptor ModuleCache::put(const Key& key, std::span<const std::byte> code, std::span<const std::byte> wasm) {
  if (folder_) {
    const auto write = [&](int fd) { write_module_file(fd, code, wasm); };
    if (folder_.put(name_of(key, free_variant(key)), write, true)) {
      if (ipc::Descriptor found = find(key, wasm)) return found;
    }
  }
  ipc::Descriptor file = ipc::make_memfd("dcp-module");
  write_module_file(file.get(), code, wasm);
  ipc::seal(file.get());
  return folder_ ? std::move(file) : remember(key, std::move(file));
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
    if (!folder_.has(name_of(key, variant))) return variant;
  }
  return 0;
}

}  // namespace dcp::compiler
