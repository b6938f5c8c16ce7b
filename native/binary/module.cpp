#include "binary/module.hpp"

#include "binary/externs.hpp"
#include "binary/instructions.hpp"
#include "binary/sections.hpp"

namespace dcp::binary {

namespace {

// Calls visit(content) for each section with this id.
template <typename Visit>
void for_each_section(std::span<const std::byte> module, SectionId id, Visit visit) {
  Reader reader(module);
  reader.take(kHeaderSize);
  while (const auto section = next_section(reader)) {
    if (section->id == id) visit(Reader(section->content));
  }
}

// Adds to `tables` if the next import is one.
void read_import(Reader& content, std::vector<bool>& tables) {
  content.name();
  content.name();
  switch (content.byte()) {
    case kFunction:
      return content.skip_number();
    case kTable:
      skip_value_type(content);
      return tables.push_back(read_limits(content).is64);
    case kMemory:
      return static_cast<void>(read_limits(content));
    case kGlobal:
      skip_value_type(content);
      return static_cast<void>(content.byte());
    case kTag:
      content.byte();
      return content.skip_number();
    default:
      return content.fail();
  }
}

// For each table of a module, imported ones first: whether its addresses have 64 bits.
std::vector<bool> tables64(std::span<const std::byte> module) {
  std::vector<bool> tables;
  for_each_section(module, kImportSection, [&](Reader content) {
    for (std::uint32_t left = content.number(); left > 0 && !content.failed(); --left) read_import(content, tables);
  });
  for_each_section(module, kTableSection, [&](Reader content) {
    for (std::uint32_t left = content.number(); left > 0 && !content.failed(); --left) {
      tables.push_back(read_table(content).is64);
    }
  });
  return tables;
}

// Calls visit(kind, index) for each export.
template <typename Visit>
void for_each_export(std::span<const std::byte> module, Visit visit) {
  for_each_section(module, kExportSection, [&](Reader content) {
    const std::uint32_t count = content.number();
    for (std::uint32_t i = 0; i < count && !content.failed(); ++i) {
      content.name();
      const std::uint8_t kind = content.byte();
      visit(kind, content.number());
    }
  });
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
  for_each_export(module, [&](std::uint8_t kind, std::uint32_t index) {
    indices.push_back(kind == kFunction ? static_cast<std::int64_t>(index) : -1);
  });
  return indices;
}

std::vector<bool> exported_tables64(std::span<const std::byte> module) {
  const std::vector<bool> tables = tables64(module);
  std::vector<bool> exported;
  for_each_export(module, [&](std::uint8_t kind, std::uint32_t index) {
    exported.push_back(kind == kTable && index < tables.size() && tables[index]);
  });
  return exported;
}

}  // namespace dcp::binary
