#include "compiler/module_file.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <cstring>

#include "cache/word_hash.hpp"
#include "ipc/mapping.hpp"
#include "ipc/memfd.hpp"

namespace dcp::compiler {

namespace {

constexpr std::uint64_t kPage = 4096;
constexpr char kMagic[8] = {'D', 'C', 'P', 'W', 'A', 'S', 'M', '1'};
constexpr std::uint64_t kLargest = std::uint64_t{1} << 36;  // bytes; sums of sizes do not overflow

struct Footer {
  Layout layout;
  char magic[sizeof kMagic];
};

std::uint64_t checksum(std::span<const std::byte> code, std::span<const std::byte> wasm) {
  return cache::mix_word(cache::word_hash(code), cache::word_hash(wasm));
}

std::uint64_t page_border(std::uint64_t size) { return (size + kPage - 1) / kPage * kPage; }

}  // namespace

std::uint64_t module_file_size(std::uint64_t code_size, std::uint64_t wasm_size) {
  return page_border(code_size) + wasm_size + sizeof(Footer);
}

void write_module_file(int fd, std::span<const std::byte> code, std::span<const std::byte> wasm) {
  constexpr std::byte zeros[kPage] = {};
  ipc::write_all(fd, code);
  const std::uint64_t wasm_offset = page_border(code.size());
  ipc::write_all(fd, std::span(zeros).first(wasm_offset - code.size()));
  ipc::write_all(fd, wasm);
  Footer footer{{code.size(), wasm_offset, wasm.size(), checksum(code, wasm)}, {}};
  std::memcpy(footer.magic, kMagic, sizeof kMagic);
  ipc::write_all(fd, std::as_bytes(std::span(&footer, 1)));
}

std::optional<Layout> read_layout(int fd) {
  struct stat status{};
  Footer footer{};
  const auto footer_size = static_cast<off_t>(sizeof footer);
  if (fstat(fd, &status) != 0 || status.st_size < footer_size) return std::nullopt;
  if (pread(fd, &footer, sizeof footer, status.st_size - footer_size) != footer_size) return std::nullopt;
  if (std::memcmp(footer.magic, kMagic, sizeof kMagic) != 0) return std::nullopt;
  const Layout& layout = footer.layout;
  const bool sane = layout.code_size <= layout.wasm_offset && layout.wasm_offset <= kLargest &&
                    layout.wasm_offset % kPage == 0 && layout.wasm_size <= kLargest;
  if (!sane || layout.wasm_offset + layout.wasm_size + sizeof footer != static_cast<std::uint64_t>(status.st_size)) {
    return std::nullopt;
  }
  return layout;
}

bool is_whole(int fd, const Layout& layout) {
  const ipc::Mapping file(fd, 0, layout.wasm_offset + layout.wasm_size);
  return checksum(file.bytes().first(layout.code_size), file.bytes().subspan(layout.wasm_offset)) == layout.checksum;
}

}  // namespace dcp::compiler
