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

  std::string name() {
    const auto part = take(number());
    return {reinterpret_cast<const char*>(part.data()), part.size()};
  }

 private:
  std::span<const std::byte> bytes_;
  bool failed_ = false;
};

void read_exports(Reader section, std::vector<std::int64_t>& out) {
  const std::uint32_t count = section.number();
  for (std::uint32_t i = 0; i < count && !section.failed(); ++i) {
    section.name();
    const std::uint8_t kind = section.byte();
    const std::uint32_t index = section.number();
    out.push_back(kind == kFunctionExport ? static_cast<std::int64_t>(index) : -1);
  }
}

}  // namespace

ModuleBinary read_binary(std::span<const std::byte> bytes) {
  ModuleBinary result;
  Reader reader(bytes);
  reader.take(kHeaderSize);
  while (!reader.done()) {
    const std::uint8_t id = reader.byte();
    Reader section(reader.take(reader.number()));
    if (reader.failed()) break;
    if (id == kExportSection) read_exports(section, result.exported_functions);
    if (id != kCustomSection) continue;
    CustomSection custom{section.name(), {}};
    if (section.failed()) break;
    custom.content.assign(section.rest().begin(), section.rest().end());
    result.custom_sections.push_back(std::move(custom));
  }
  return result;
}

}  // namespace dcp::wasm
