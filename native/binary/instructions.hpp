// The instructions of the binary format, as far as a rewriter of function bodies must know them.
#pragma once

#include <cstdint>

#include "binary/reader.hpp"

namespace dcp::binary {

/// Instructions of control flow: those that open or close blocks, or name labels.
enum Opcode : std::uint8_t {
  kBlock = 0x02,
  kLoop = 0x03,
  kIf = 0x04,
  kTry = 0x06,
  kCatch = 0x07,
  kRethrow = 0x09,
  kThrowRef = 0x0A,
  kEnd = 0x0B,
  kBr = 0x0C,
  kBrIf = 0x0D,
  kBrTable = 0x0E,
  kReturn = 0x0F,
  kDelegate = 0x18,
  kCatchAll = 0x19,
  kTryTable = 0x1F,
  kLocalGet = 0x20,
  kLocalSet = 0x21,
  kBrOnNull = 0xD5,
  kBrOnNonNull = 0xD6,
  kGcPrefix = 0xFB,
};

/// After kGcPrefix.
enum GcOpcode : std::uint32_t { kBrOnCast = 24, kBrOnCastFail = 25 };

// Each skips what its name says, and fails the reader where that is malformed or unknown. What is skipped is not
// checked further: whoever compiles the module does that.
void skip_value_type(Reader& code);
void skip_heap_type(Reader& code);
void skip_block_type(Reader& code);
/// The rest of an instruction, after its opcode.
void skip_immediates(Reader& code, std::uint8_t opcode);
/// The rest of an instruction, after kGcPrefix and `opcode`.
void skip_gc_immediates(Reader& code, std::uint32_t opcode);

/// Whether a function body has a `try` of the legacy exception handling instructions. Allocates nothing.
bool has_legacy_try(Reader body);
/// Skips the declarations of locals, with which a body begins.
void skip_locals(Reader& body);

}  // namespace dcp::binary
