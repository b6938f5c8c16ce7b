// The signatures that a module declares, as far as function bodies refer to them, and those that a rewriter adds.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "binary/sections.hpp"
#include "binary/writer.hpp"

namespace dcp::binary {

/// Value types as the binary has them, one after the other. The bytes are the module's.
struct ValueTypes {
  std::span<const std::byte> bytes;
  std::uint32_t count = 0;
};

struct Signature {
  ValueTypes params;
  ValueTypes results;
};

/// Fed with the sections of a module in their order. All lookups answer nullptr for what is not declared.
class Signatures {
 public:
  /// Takes note of what the section declares. False: it is malformed.
  bool read(const Section& section);

  std::size_t type_count() const { return types_.size(); }
  std::size_t function_count() const { return functions_.size(); }
  const Signature* type(std::uint32_t index) const;
  /// Of a function of the module itself; 0 is the first that is not imported.
  const Signature* function(std::uint32_t index) const;
  const Signature* tag(std::uint32_t index) const;
  /// Reads a block type; nothing where it is malformed.
  std::optional<Signature> read_block_type(Reader& code) const;

 private:
  void read_types(Reader& section);
  void read_sub_type(Reader& section);
  void read_imports(Reader& section);
  void read_tag(Reader& section);

  std::vector<std::optional<Signature>> types_;  // nothing: a struct or an array
  std::vector<std::uint32_t> functions_;
  std::vector<std::uint32_t> tags_;
};

/// Block types, which need an entry of the type section unless they have no parameters and at most one result.
class BlockTypes {
 public:
  /// `first`: the number of types that the module has already.
  explicit BlockTypes(std::size_t first) : first_(first) {}

  /// Writes the block type from `params` to `results`, and an exnref on top of these where asked. Nothing is written
  /// when the entries have become too many.
  void write(Writer& out, const ValueTypes& params, const ValueTypes& results, bool exception = false);

  bool too_many() const { return too_many_; }
  /// The entries to add to the type section.
  std::size_t count() const { return indices_.size(); }
  std::span<const std::byte> entries() const { return entries_.bytes(); }

 private:
  std::size_t first_;
  std::map<std::string, std::uint32_t> indices_;  // by the entry's bytes
  Writer entries_;
  bool too_many_ = false;
};

}  // namespace dcp::binary
