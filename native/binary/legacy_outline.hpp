// The legacy exception handling instructions of one function body: what has to be known of a `try` where it begins.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "binary/signatures.hpp"

namespace dcp::binary {

struct LegacyCatch {
  std::optional<std::uint32_t> tag;  ///< nothing: catch_all
  bool is_rethrown = false;          ///< a `rethrow` names it
};

/// Which try catches what is thrown at a place: its index, or kCaller.
using Catcher = std::int32_t;
inline constexpr Catcher kCaller = -1;

struct LegacyTry {
  std::span<const std::byte> block_type;
  Signature signature;
  std::vector<LegacyCatch> catches;
  /// Where a `delegate` passes exceptions on to; nothing where they would go by themselves.
  std::optional<Catcher> delegate;
  /// A `delegate` names it.
  bool is_delegated_to = false;
};

struct LegacyOutline {
  std::vector<LegacyTry> tries;  ///< in the order in which they begin
  bool caller_is_delegated_to = false;
};

/// Reads `code`, the instructions of a body, to their end. Nothing: they are malformed, or use try_table and
/// throw_ref as well, which no engine takes together.
std::optional<LegacyOutline> outline_legacy_exceptions(Reader code, const Signatures& signatures);

}  // namespace dcp::binary
