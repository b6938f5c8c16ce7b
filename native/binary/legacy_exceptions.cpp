#include "binary/legacy_exceptions.hpp"

#include <string_view>

#include "binary/instructions.hpp"
#include "binary/legacy_body.hpp"

namespace dcp::binary {

namespace {

Reader sections_of(std::span<const std::byte> module) {
  Reader reader(module);
  reader.take(kHeaderSize);
  return reader;
}

bool has_legacy_exceptions(std::span<const std::byte> module) {
  Reader sections = sections_of(module);
  while (const auto section = next_section(sections)) {
    if (section->id != kCodeSection) continue;
    Reader code(section->content);
    for (std::uint32_t left = code.number(); left > 0 && !code.failed(); --left) {
      if (has_legacy_try(Reader(code.take(code.number())))) return true;
    }
  }
  return false;
}

/// Branch hints and the like, and what debuggers read.
bool holds_code_offsets(const Section& section) {
  if (section.id != kCustomSection) return false;
  Reader content(section.content);
  const auto bytes = content.take(content.number());
  const std::string_view name(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  return name.starts_with("metadata.code.") || name.starts_with(".debug_");
}

bool translate_code(Reader code, const Signatures& signatures, BlockTypes& block_types, Writer& out) {
  const std::uint32_t count = code.number();
  if (count != signatures.function_count()) return false;
  out.number(count);
  for (std::uint32_t i = 0; i < count; ++i) {
    const auto body = code.take(code.number());
    if (code.failed()) return false;
    if (!has_legacy_try(Reader(body))) {
      out.sized(body);
      continue;
    }
    const Signature* function = signatures.function(i);
    if (function == nullptr || !rewrite_legacy_body(body, *function, signatures, block_types, out)) return false;
  }
  return code.rest().empty();
}

void write_types(Reader types, const BlockTypes& added, Writer& out) {
  const std::uint64_t count = std::uint64_t{types.number()} + added.count();
  out.number(static_cast<std::uint32_t>(count));
  out.raw(types.rest());
  out.raw(added.entries());
}

std::optional<std::vector<std::byte>> translate(std::span<const std::byte> module) {
  Signatures signatures;
  Reader sections = sections_of(module);
  std::optional<Section> code;
  while (const auto section = next_section(sections)) {
    if (!signatures.read(*section)) return std::nullopt;
    if (section->id == kCodeSection) code = section;
  }
  if (sections.failed() || !code) return std::nullopt;
  BlockTypes block_types(signatures.type_count());
  Writer new_code;
  if (!translate_code(Reader(code->content), signatures, block_types, new_code)) return std::nullopt;

  Writer out;
  out.raw(module.first(kHeaderSize));
  sections = sections_of(module);
  while (const auto section = next_section(sections)) {
    if (holds_code_offsets(*section)) continue;
    out.byte(section->id);
    if (section->id == kTypeSection) {
      Writer types;
      write_types(Reader(section->content), block_types, types);
      out.sized(types.bytes());
    } else {
      out.sized(section->id == kCodeSection ? new_code.bytes() : section->content);
    }
  }
  return out.take();
}

}  // namespace

std::optional<std::vector<std::byte>> translate_legacy_exceptions(std::span<const std::byte> module) {
  return has_legacy_exceptions(module) ? translate(module) : std::nullopt;
}

}  // namespace dcp::binary
