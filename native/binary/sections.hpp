// The sections of a module.
#pragma once

#include <cstdint>
#include <optional>

#include "binary/reader.hpp"

namespace dcp::binary {

/// Magic number and version, in bytes.
inline constexpr std::size_t kHeaderSize = 8;

enum SectionId : std::uint8_t {
  kCustomSection = 0,
  kTypeSection = 1,
  kImportSection = 2,
  kFunctionSection = 3,
  kTableSection = 4,
  kExportSection = 7,
  kCodeSection = 10,
  kTagSection = 13,
};

struct Section {
  std::uint8_t id;
  std::span<const std::byte> content;
};

/// The next section of a module whose header has been read; nothing at its end, or where it is malformed.
inline std::optional<Section> next_section(Reader& module) {
  if (module.done()) return std::nullopt;
  const std::uint8_t id = module.byte();
  const auto content = module.take(module.number());
  if (module.failed()) return std::nullopt;
  return Section{id, content};
}

}  // namespace dcp::binary
