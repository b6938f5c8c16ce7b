#include "binary/module.hpp"

#include "binary/instructions.hpp"
#include "binary/sections.hpp"

namespace dcp::binary {

namespace {

constexpr std::uint8_t kFunctionExport = 0;
constexpr std::uint8_t kTableExport = 1;

// Calls visit(content) for each section with this id.
template <typename Visit>
void for_each_section(std::span<const std::byte> module, SectionId id, Visit visit) {
  Reader reader(module);
  reader.take(kHeaderSize);
  while (const auto section = next_section(reader)) {
    if (section->id == id) visit(Reader(section->content));
  }
}

// Skips limits; whether they are those of 64-bit addresses.
bool skip_limits(Reader& reader) {
  constexpr std::uint8_t kHasMaximum = 1, kIs64 = 4, kHasPageSize = 8;
  const std::uint8_t flags = reader.byte();
  reader.skip_number();
  if ((flags & kHasMaximum) != 0) reader.skip_number();
  if ((flags & kHasPageSize) != 0) reader.skip_number();
  return (flags & kIs64) != 0;
}

// Adds to `tables` if the next import is one.
void read_import(Reader& content, std::vector<bool>& tables) {
  enum Kind : std::uint8_t { function, table, memory, global, tag };
  content.name();
  content.name();
  switch (content.byte()) {
    case function:
      return content.skip_number();
    case table:
      skip_value_type(content);
      return tables.push_back(skip_limits(content));
    case memory:
      return static_cast<void>(skip_limits(content));
    case global:
      skip_value_type(content);
      return static_cast<void>(content.byte());
    case tag:
      content.byte();
      return content.skip_number();
    default:
      return content.fail();
  }
}

bool read_table(Reader& content) {
  constexpr std::byte kWithInitializer{0x40};
  const bool initialized = !content.rest().empty() && content.rest()[0] == kWithInitializer;
  if (initialized) content.take(2);
  skip_value_type(content);
  const bool is64 = skip_limits(content);
  while (initialized && !content.failed()) {
    const std::uint8_t opcode = content.byte();
    if (opcode == kEnd) break;
    skip_immediates(content, opcode);
  }
  return is64;
}

// For each table of a module, imported ones first: whether its addresses have 64 bits.
std::vector<bool> tables64(std::span<const std::byte> module) {
  std::vector<bool> tables;
  for_each_section(module, kImportSection, [&](Reader content) {
    for (std::uint32_t left = content.number(); left > 0 && !content.failed(); --left) read_import(content, tables);
  });
  for_each_section(module, kTableSection, [&](Reader content) {
    for (std::uint32_t left = content.number(); left > 0 && !content.failed(); --left) {
      tables.push_back(read_table(content));
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
    indices.push_back(kind == kFunctionExport ? static_cast<std::int64_t>(index) : -1);
  });
  return indices;
}

std::vector<bool> exported_tables64(std::span<const std::byte> module) {
  const std::vector<bool> tables = tables64(module);
  std::vector<bool> exported;
  for_each_export(module, [&](std::uint8_t kind, std::uint32_t index) {
    exported.push_back(kind == kTableExport && index < tables.size() && tables[index]);
  });
  return exported;
}

}  // namespace dcp::binary
