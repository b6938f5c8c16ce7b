#include "compiler/module_cache.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <system_error>
#include <thread>

#include "compiler/module_file.hpp"
#include "ipc/mapping.hpp"
#include "ipc/memfd.hpp"

namespace dcp::compiler {

namespace {

constexpr std::uint64_t kMostVariants = 8;  // modules with one key; more are collisions made on purpose
constexpr std::uint64_t kMostInMemory = std::uint64_t{512} << 20;

std::string name_of(const Key& key, std::uint64_t variant) {
  return cache::make_name(key.settings, key.content, static_cast<unsigned>(variant));
}

std::array<std::uint64_t, 3> id_of(const ipc::Descriptor& file) {
  struct stat status{};
  (void)fstat(file.get(), &status);
  return {status.st_dev, status.st_ino, static_cast<std::uint64_t>(status.st_size)};
}

bool same_module(int fd, std::span<const std::byte> wasm) {
  const auto layout = read_layout(fd);
  if (!layout || layout->wasm_size != wasm.size()) return false;
  const ipc::Mapping stored(fd, layout->wasm_offset, wasm.size());
  return std::memcmp(stored.bytes().data(), wasm.data(), wasm.size()) == 0;
}

}  // namespace

ModuleCache::ModuleCache(const std::string& folder, std::uint64_t limit)
    : folder_(folder, limit, cache::Use::execute), limit_(limit) {}

// A file that is torn is removed. Nothing where it would have to be read.
std::optional<ipc::Descriptor> ModuleCache::open_variant(const Key& key, std::uint64_t variant, bool at_once) {
  const std::string name = name_of(key, variant);
  ipc::Descriptor file = folder_.open(name);
  if (!file) return ipc::Descriptor();
  const FileId id = id_of(file);
  if (verified_.contains(id)) return file;
  if (at_once) return std::nullopt;
  const auto layout = read_layout(file.get());
  if (!layout || !is_whole(file.get(), *layout)) {
    folder_.remove(name);
    return ipc::Descriptor();
  }
  verified_.insert(id);
  return file;
}

std::optional<ipc::Descriptor> ModuleCache::look(const Key& key, std::uint64_t attempt, bool at_once) {
  for (std::uint64_t variant = 0; folder_ && variant < kMostVariants; ++variant) {
    auto file = open_variant(key, variant, at_once);
    if (!file || (*file && attempt-- == 0)) return file;
  }
  for (const InMemory& kept : memory_) {
    if (kept.key == key && attempt-- == 0) return ipc::Descriptor(fcntl(kept.file.get(), F_DUPFD_CLOEXEC, 0));
  }
  return ipc::Descriptor();
}

ipc::Descriptor ModuleCache::candidate(const Key& key, std::uint64_t attempt) { return *look(key, attempt, false); }

std::optional<ipc::Descriptor> ModuleCache::candidate_at_once(const Key& key, std::uint64_t attempt) {
  return look(key, attempt, true);
}

ipc::Descriptor ModuleCache::find(const Key& key, std::span<const std::byte> wasm) {
  for (std::uint64_t attempt = 0;; ++attempt) {
    ipc::Descriptor file = candidate(key, attempt);
    if (!file || same_module(file.get(), wasm)) return file;
  }
}

std::optional<ipc::Descriptor> ModuleCache::claim(const Key& key, const digest::Digest& module) {
  if (!folder_) return ipc::Descriptor();
  std::array<std::uint64_t, 2> words;  // enough of it that nobody finds another module with the same ones
  std::memcpy(words.data(), module.data(), sizeof words);
  return folder_.lock(cache::make_name(key.settings ^ words[0], words[1]));
}

ipc::Descriptor ModuleCache::put(const Key& key, std::span<const std::byte> code, std::span<const std::byte> wasm) {
  const auto turn = turn_to_write(key);
  if (ipc::Descriptor found = find(key, wasm)) return found;  // another evaluator was faster
  if (folder_) {
    const auto write = [&](int fd) { write_module_file(fd, code, wasm); };
    if (folder_.put(name_of(key, free_variant(key)), module_file_size(code.size(), wasm.size()), write, true)) {
      if (ipc::Descriptor found = find(key, wasm)) return found;
    }
  }
  ipc::Descriptor file = ipc::make_memfd("dcp-module");
  write_module_file(file.get(), code, wasm);
  ipc::seal(file.get());
  return file;
}

// Files with one key are written one after the other: each has a name of its own.
std::optional<ipc::Descriptor> ModuleCache::turn_to_write(const Key& key) const {
  if (!folder_) return std::nullopt;
  for (;;) {
    if (auto turn = folder_.lock(name_of(key, kMostVariants))) return turn;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
}

void ModuleCache::learn(const Key& key, const ipc::Descriptor& file) {
  const FileId id = id_of(file);
  if (ipc::sealed_size(file.get()) < 0) {  // of the folder
    verified_.insert(id);
    return;
  }
  if (std::ranges::any_of(memory_, [&](const InMemory& kept) { return id_of(kept.file) == id; })) return;
  memory_.push_front({key, ipc::Descriptor(fcntl(file.get(), F_DUPFD_CLOEXEC, 0)), id[2]});
  std::uint64_t total = 0;
  for (std::size_t i = 0; i < memory_.size(); ++i) {
    total += memory_[i].size;
    if (i > 0 && total > std::min(limit_, kMostInMemory)) memory_.resize(i);
  }
}

std::vector<int> ModuleCache::descriptors(const Key& key) const {
  std::vector<int> needed;
  if (folder_) needed.push_back(folder_.descriptor());
  for (const InMemory& kept : memory_) {
    if (kept.key == key) needed.push_back(kept.file.get());
  }
  return needed;
}

// The first that is free; where all are taken, the first one gives way.
std::uint64_t ModuleCache::free_variant(const Key& key) const {
  for (std::uint64_t variant = 0; variant < kMostVariants; ++variant) {
    if (!folder_.has(name_of(key, variant))) return variant;
  }
  return 0;
}

}  // namespace dcp::compiler
