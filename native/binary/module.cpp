#include "binary/module.hpp"

#include "binary/sections.hpp"

namespace dcp::binary {

namespace {

constexpr std::uint8_t kFunctionExport = 0;

// Calls visit(content) for each section with this id.
template <typename Visit>
void for_each_section(std::span<const std::byte> module, SectionId id, Visit visit) {
  Reader reader(module);
  reader.take(kHeaderSize);
  while (const auto section = next_section(reader)) {
    if (section->id == id) visit(Reader(section->content));
  }
}

}  // namespace

std::vector<std::span<const std::byte>> custom_sections(std::span<const std::byte> module, std::string_view name) {
  std::vector<std::span<const std::byte>> found;
  for_each_section(module, kCustomSection, [&](Reader content) {
    if (content.name() == name && !content.failed()) found.push_back(content.rest());
  });
  return found;
}

std::vector<std::int64_t> exported_functions(std::span<const std::byte> module) {
  std::vector<std::int64_t> indices;
  for_each_section(module, kExportSection, [&](Reader content) {
    const std::uint32_t count = content.number();
    for (std::uint32_t i = 0; i < count && !content.failed(); ++i) {
      content.name();
      const std::uint8_t kind = content.byte();
      const std::uint32_t index = content.number();
      indices.push_back(kind == kFunctionExport ? static_cast<std::int64_t>(index) : -1);
    }
  });
  return indices;
}

}  // namespace dcp::binary
