#include "runtime/script_cache.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <utility>

#include "cache/word_hash.hpp"
#include "ipc/memfd.hpp"

namespace dcp::runtime {

namespace {

constexpr char kMagic[8] = {'D', 'C', 'P', 'J', 'S', 'C', 'D', '1'};
constexpr std::size_t kChunk = 256 * 1024;

/// A file: this, then format, name, source and code.
struct Header {
  char magic[sizeof kMagic];
  std::uint64_t format_size, name_size, source_size, code_size;
  std::uint64_t checksum;  ///< of the code
};

std::span<const std::byte> bytes_of(std::string_view text) { return std::as_bytes(std::span(text)); }

/// Reads as many bytes as fit. False where the file has fewer.
bool read_all(int fd, void* into, std::size_t size) {
  auto* at = static_cast<char*>(into);
  while (size > 0) {
    const ssize_t got = read(fd, at, size);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    at += got;
    size -= static_cast<std::size_t>(got);
  }
  return true;
}

/// Whether the next bytes of the file are these. They are read, not mapped: another program may truncate the file.
bool next_is(int fd, std::string_view expected) {
  const auto chunk = std::make_unique_for_overwrite<char[]>(std::min(kChunk, expected.size()));
  while (!expected.empty()) {
    const std::size_t size = std::min(kChunk, expected.size());
    if (!read_all(fd, chunk.get(), size) || std::memcmp(chunk.get(), expected.data(), size) != 0) return false;
    expected.remove_prefix(size);
  }
  return true;
}

}  // namespace

ScriptCache::ScriptCache(engine::Engine& engine, const std::string& folder, std::uint64_t limit)
    : engine_(engine), folder_(folder, limit), format_(engine.script_format()) {}

engine::Value ScriptCache::compile(std::string_view source, const std::string& name) {
  if (!folder_) return engine_.compile(source, name);
  const std::string file = file_of(source, name);
  if (const auto found = find(file, source, name)) return *found;
  const engine::Value script = engine_.compile(source, name);
  if (engine_.compiles_lazily()) {
    fresh_.push_back({file, source, name, engine::Ref(engine_, script)});
  } else {
    keep(file, source, name, script);
  }
  return script;
}

void ScriptCache::keep_fresh() {
  for (const Fresh& each : std::exchange(fresh_, {})) {
    const engine::Scope scope(engine_);
    keep(each.file, each.source, each.name, each.script.get());
  }
}

std::string ScriptCache::file_of(std::string_view source, const std::string& name) const {
  const std::uint64_t key = cache::mix_word(cache::word_hash(bytes_of(format_)), cache::word_hash(bytes_of(name)));
  return cache::make_name(key, cache::content_key(bytes_of(source)));
}

std::optional<engine::Value> ScriptCache::find(const std::string& file, std::string_view source,
                                               const std::string& name) {
  const ipc::Descriptor opened = folder_.open(file);
  Header header{};
  struct stat status{};
  if (!opened || fstat(opened.get(), &status) != 0 || !read_all(opened.get(), &header, sizeof header)) return {};
  const std::uint64_t before_code = sizeof header + format_.size() + name.size() + source.size();
  const auto size = static_cast<std::uint64_t>(status.st_size);
  if (std::memcmp(header.magic, kMagic, sizeof kMagic) != 0 || header.format_size != format_.size() ||
      header.name_size != name.size() || header.source_size != source.size() || size < before_code ||
      header.code_size != size - before_code) {
    return {};
  }
  if (!next_is(opened.get(), format_) || !next_is(opened.get(), name) || !next_is(opened.get(), source)) return {};
  std::vector<std::byte> code(header.code_size);
  if (!read_all(opened.get(), code.data(), code.size()) || cache::word_hash(code) != header.checksum) return {};
  return engine_.compiled(source, name, code);
}

// Not flushed: a file that a crash of the machine tears does not fit any more and is written again.
void ScriptCache::keep(const std::string& file, std::string_view source, const std::string& name,
                       engine::Value script) {
  const std::vector<std::byte> code = engine_.code_of(script);
  if (code.empty()) return;
  Header header{{}, format_.size(), name.size(), source.size(), code.size(), cache::word_hash(code)};
  std::memcpy(header.magic, kMagic, sizeof kMagic);
  folder_.put(
      file, sizeof header + format_.size() + name.size() + source.size() + code.size(),
      [&](int fd) {
        ipc::write_all(fd, std::as_bytes(std::span(&header, 1)));
        for (const std::string_view part : {std::string_view(format_), std::string_view(name), source}) {
          ipc::write_all(fd, bytes_of(part));
        }
        ipc::write_all(fd, code);
      },
      false);
}

}  // namespace dcp::runtime
