#include "binary/externs.hpp"

#include "binary/instructions.hpp"

namespace dcp::binary {

namespace {

constexpr std::byte kWithInitializer{0x40};

void skip_expression(Reader& reader) {
  while (!reader.failed()) {
    const std::uint8_t opcode = reader.byte();
    if (opcode == kEnd) return;
    skip_immediates(reader, opcode);
  }
}

}  // namespace

Limits read_limits(Reader& reader) {
  constexpr std::uint8_t has_maximum = 1, is_64 = 4, has_page_size = 8;
  const std::uint8_t flags = reader.byte();
  const bool is64 = (flags & is_64) != 0;
  const Limits limits{is64 ? reader.long_number() : reader.number(), is64};
  if ((flags & has_maximum) != 0) reader.skip_number();
  if ((flags & has_page_size) != 0) reader.skip_number();
  return limits;
}

Limits read_table(Reader& section) {
  const bool initialized = !section.rest().empty() && section.rest()[0] == kWithInitializer;
  if (initialized) section.take(2);
  skip_value_type(section);
  const Limits limits = read_limits(section);
  if (initialized) skip_expression(section);
  return limits;
}

}  // namespace dcp::binary
