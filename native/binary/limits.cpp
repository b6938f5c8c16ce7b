#include "binary/limits.hpp"

#include "binary/externs.hpp"
#include "binary/sections.hpp"

namespace dcp::binary {

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
      const std::uint64_t initial = read_table(tables).initial;
      if (!tables.failed() && initial > kMostTableElements) {
        return "a table has " + std::to_string(initial) + " elements at the start; the limit is " +
               std::to_string(kMostTableElements);
      }
    }
  }
  return {};
}

}  // namespace dcp::binary
