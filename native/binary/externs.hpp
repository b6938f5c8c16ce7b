// What imports, exports and tables have in common in the binary format.
#pragma once

#include <cstdint>

#include "binary/reader.hpp"

namespace dcp::binary {

/// What an import or an export is.
enum ExternKind : std::uint8_t { kFunction = 0, kTable = 1, kMemory = 2, kGlobal = 3, kTag = 4 };

/// How an entry of the type section begins.
enum TypeForm : std::uint8_t {
  kRecursiveGroup = 0x4E,
  kFinalSubType = 0x4F,
  kSubType = 0x50,
  kArrayType = 0x5E,
  kStructType = 0x5F,
  kFunctionType = 0x60,
};

/// The limits of a table or memory.
struct Limits {
  std::uint64_t initial;
  bool is64;  ///< addresses have 64 bits
};

/// Each fails the reader where its bytes are malformed, and checks nothing else.
Limits read_limits(Reader& reader);
/// An entry of the table section, with its initializer where it has one.
Limits read_table(Reader& section);

}  // namespace dcp::binary
