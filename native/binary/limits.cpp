#include "binary/limits.hpp"

#include "binary/instructions.hpp"
#include "binary/sections.hpp"

namespace dcp::binary {

namespace {

constexpr std::uint8_t kWithInitializer = 0x40;
constexpr std::uint8_t kHasMaximum = 1, kIs64 = 4;

// LEB128, at most 64 bits.
std::uint64_t long_number(Reader& reader) {
  std::uint64_t value = 0;
  for (int shift = 0; shift < 70; shift += 7) {
    const std::uint8_t next = reader.byte();
    value |= static_cast<std::uint64_t>(next & 0x7F) << (shift & 63);
    if ((next & 0x80) == 0) return value;
  }
  reader.fail();
  return 0;
}

void skip_expression(Reader& reader) {
  while (!reader.failed()) {
    const std::uint8_t opcode = reader.byte();
    if (opcode == kEnd) return;
    skip_immediates(reader, opcode);
  }
}

// The initial size of the next table.
std::uint64_t next_table(Reader& section) {
  const bool initialized = !section.rest().empty() && section.rest()[0] == std::byte{kWithInitializer};
  if (initialized) section.take(2);
  skip_value_type(section);
  const std::uint8_t flags = section.byte();
  const std::uint64_t initial = (flags & kIs64) != 0 ? long_number(section) : section.number();
  if ((flags & kHasMaximum) != 0) long_number(section);
  if (initialized) skip_expression(section);
  return initial;
}

}  // namespace

std::string exceeded_limit(std::span<const std::byte> module) {
  if (module.size() > kMostModuleBytes) {
    return "the module has " + std::to_string(module.size()) + " bytes; the limit is " +
           std::to_string(kMostModuleBytes);
  }
  Reader reader(module);
  reader.take(kHeaderSize);
  while (const auto section = next_section(reader)) {
    if (section->id != kTableSection) continue;
    Reader tables(section->content);
    for (std::uint32_t left = tables.number(); left > 0 && !tables.failed(); --left) {
      const std::uint64_t initial = next_table(tables);
      if (!tables.failed() && initial > kMostTableElements) {
        return "a table has " + std::to_string(initial) + " elements at the start; the limit is " +
               std::to_string(kMostTableElements);
      }
    }
  }
  return {};
}

}  // namespace dcp::binary
