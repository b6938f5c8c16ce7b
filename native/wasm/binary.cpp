#include "wasm/binary.hpp"

namespace dcp::wasm {

namespace {

constexpr std::size_t kHeaderSize = 8;
constexpr std::uint8_t kCustomSection = 0;
constexpr std::uint8_t kExportSection = 7;
constexpr std::uint8_t kFunctionExport = 0;

// Reads past the end give zeros and set `failed`.
class Reader {
 public:
  explicit Reader(std::span<const std::byte> bytes) : bytes_(bytes) {}

  bool failed() const { return failed_; }
  bool done() const { return failed_ || bytes_.empty(); }
  std::span<const std::byte> rest() const { return bytes_; }

  std::uint8_t byte() {
    const auto part = take(1);
    return part.empty() ? std::uint8_t{0} : static_cast<std::uint8_t>(part[0]);
  }

  // LEB128, at most 32 bits.
  std::uint32_t number() {
    std::uint64_t value = 0;
    for (int shift = 0; shift < 35; shift += 7) {
      const std::uint8_t next = byte();
      value |= static_cast<std::uint64_t>(next & 0x7F) << shift;
      if ((next & 0x80) == 0) return static_cast<std::uint32_t>(value);
    }
    failed_ = true;
    return 0;
  }

  std::span<const std::byte> take(std::size_t size) {
    if (failed_ || size > bytes_.size()) {
      failed_ = true;
      return {};
    }
    const auto part = bytes_.first(size);
    bytes_ = bytes_.subspan(size);
    return part;
  }

  std::string_view name() {
    const auto part = take(number());
    return {reinterpret_cast<const char*>(part.data()), part.size()};
  }

 private:
  std::span<const std::byte> bytes_;
  bool failed_ = false;
};

// Calls visit(id, section) for each section.
template <typename Visit>
void for_each_section(std::span<const std::byte> module, Visit visit) {
  Reader reader(module);
  reader.take(kHeaderSize);
  while (!reader.done()) {
    const std::uint8_t id = reader.byte();
    Reader section(reader.take(reader.number()));
    if (reader.failed()) return;
    visit(id, section);
  }
}

}  // namespace

std::vector<std::span<const std::byte>> custom_sections(std::span<const std::byte> module, std::string_view name) {
  std::vector<std::span<const std::byte>> found;
  for_each_section(module, [&](std::uint8_t id, Reader& section) {
    if (id == kCustomSection && section.name() == name && !section.failed()) found.push_back(section.rest());
  });
  return found;
}

std::vector<std::int64_t> exported_functions(std::span<const std::byte> module) {
  std::vector<std::int64_t> indices;
  for_each_section(module, [&](std::uint8_t id, Reader& section) {
    if (id != kExportSection) return;
    const std::uint32_t count = section.number();
    for (std::uint32_t i = 0; i < count && !section.failed(); ++i) {
      section.name();
      const std::uint8_t kind = section.byte();
      const std::uint32_t index = section.number();
      indices.push_back(kind == kFunctionExport ? static_cast<std::int64_t>(index) : -1);
    }
  });
  return indices;
}

}  // namespace dcp::wasm
