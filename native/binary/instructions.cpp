#include "binary/instructions.hpp"

#include <array>

namespace dcp::binary {

namespace {

enum class Immediates : std::uint8_t {
  unknown,
  none,
  number,
  two_numbers,
  byte,
  four_bytes,
  eight_bytes,
  sixteen_bytes,
  block_type,
  heap_type,
  value_types,
  memory,       // alignment, offset, and a memory where it is not the first
  memory_lane,  // and a byte
  branch_table,
  catch_clauses,
  cast_branch,
  gc,
  bulk,
  simd,
  atomic,
};

template <std::size_t size>
class Table {
 public:
  constexpr Table& set(std::uint32_t first, std::uint32_t last, Immediates immediates) {
    for (std::uint32_t opcode = first; opcode <= last; ++opcode) entries_[opcode] = immediates;
    return *this;
  }
  constexpr Table& set(std::uint32_t opcode, Immediates immediates) { return set(opcode, opcode, immediates); }
  constexpr Immediates operator[](std::uint32_t opcode) const {
    return opcode < size ? entries_[opcode] : Immediates::unknown;
  }

 private:
  std::array<Immediates, size> entries_{};
};

constexpr auto kPlain = Table<0x100>()
                            .set(0x00, 0x01, Immediates::none)  // unreachable, nop
                            .set(kBlock, kIf, Immediates::block_type)
                            .set(0x05, Immediates::none)  // else
                            .set(kTry, Immediates::block_type)
                            .set(kCatch, kRethrow, Immediates::number)  // and throw
                            .set(kThrowRef, kEnd, Immediates::none)
                            .set(kBr, kBrIf, Immediates::number)
                            .set(kBrTable, Immediates::branch_table)
                            .set(kReturn, Immediates::none)
                            .set(0x10, Immediates::number)        // call
                            .set(0x11, Immediates::two_numbers)   // call_indirect
                            .set(0x12, Immediates::number)        // return_call
                            .set(0x13, Immediates::two_numbers)   // return_call_indirect
                            .set(0x14, 0x15, Immediates::number)  // call_ref, return_call_ref
                            .set(kDelegate, Immediates::number)
                            .set(kCatchAll, Immediates::none)
                            .set(0x1A, 0x1B, Immediates::none)   // drop, select
                            .set(0x1C, Immediates::value_types)  // select with types
                            .set(kTryTable, Immediates::catch_clauses)
                            .set(kLocalGet, 0x26, Immediates::number)  // variables, elements of tables
                            .set(0x28, 0x3E, Immediates::memory)
                            .set(0x3F, 0x40, Immediates::number)  // memory.size, memory.grow
                            .set(0x41, 0x42, Immediates::number)  // i32.const, i64.const
                            .set(0x43, Immediates::four_bytes)    // f32.const
                            .set(0x44, Immediates::eight_bytes)   // f64.const
                            .set(0x45, 0xC4, Immediates::none)    // numeric
                            .set(0xD0, Immediates::heap_type)     // ref.null
                            .set(0xD1, Immediates::none)          // ref.is_null
                            .set(0xD2, Immediates::number)        // ref.func
                            .set(0xD3, 0xD4, Immediates::none)    // ref.eq, ref.as_non_null
                            .set(kBrOnNull, kBrOnNonNull, Immediates::number)
                            .set(kGcPrefix, Immediates::gc)
                            .set(0xFC, Immediates::bulk)
                            .set(0xFD, Immediates::simd)
                            .set(0xFE, Immediates::atomic);

constexpr auto kGc = Table<31>()
                         .set(0, 1, Immediates::number)         // struct.new, struct.new_default
                         .set(2, 5, Immediates::two_numbers)    // struct.get, struct.set
                         .set(6, 7, Immediates::number)         // array.new, array.new_default
                         .set(8, 10, Immediates::two_numbers)   // array.new_fixed, array.new_data, array.new_elem
                         .set(11, 14, Immediates::number)       // array.get, array.set
                         .set(15, Immediates::none)             // array.len
                         .set(16, Immediates::number)           // array.fill
                         .set(17, 19, Immediates::two_numbers)  // array.copy, array.init_data, array.init_elem
                         .set(20, 23, Immediates::heap_type)    // ref.test, ref.cast
                         .set(kBrOnCast, kBrOnCastFail, Immediates::cast_branch)
                         .set(26, 30, Immediates::none);  // conversions, i31

constexpr auto kBulk = Table<23>()
                           .set(0, 7, Immediates::none)       // saturating conversions
                           .set(8, Immediates::two_numbers)   // memory.init
                           .set(9, Immediates::number)        // data.drop
                           .set(10, Immediates::two_numbers)  // memory.copy
                           .set(11, Immediates::number)       // memory.fill
                           .set(12, Immediates::two_numbers)  // table.init
                           .set(13, Immediates::number)       // elem.drop
                           .set(14, Immediates::two_numbers)  // table.copy
                           .set(15, 17, Immediates::number)   // table.grow, table.size, table.fill
                           .set(19, 22, Immediates::none);    // wide arithmetic

constexpr auto kSimd = Table<276>()
                           .set(0, 275, Immediates::none)
                           .set(0, 11, Immediates::memory)          // v128.load, v128.store
                           .set(12, 13, Immediates::sixteen_bytes)  // v128.const, i8x16.shuffle
                           .set(21, 34, Immediates::byte)           // lanes
                           .set(84, 91, Immediates::memory_lane)    // v128.load_lane, v128.store_lane
                           .set(92, 93, Immediates::memory);        // v128.load_zero

constexpr auto kAtomic = Table<0x4F>()
                             .set(0x00, 0x02, Immediates::memory)  // notify, wait
                             .set(0x03, Immediates::byte)          // atomic.fence
                             .set(0x10, 0x4E, Immediates::memory);

constexpr std::uint32_t kHasMemory = 0x40;  // in the alignment
constexpr std::uint8_t kRefNull = 0x63;
constexpr std::uint8_t kRef = 0x64;

void skip_memory_argument(Reader& code) {
  if ((code.number() & kHasMemory) != 0) code.number();
  code.skip_number();
}

void skip_value_types(Reader& code) {
  const std::uint32_t count = code.number();
  for (std::uint32_t i = 0; i < count && !code.failed(); ++i) skip_value_type(code);
}

void skip_branch_table(Reader& code) {
  const std::uint32_t count = code.number();
  for (std::uint32_t i = 0; i < count && !code.failed(); ++i) code.number();
  code.number();
}

void skip_catch_clauses(Reader& code) {
  constexpr std::uint8_t kCatchAllClause = 2;
  skip_block_type(code);
  const std::uint32_t count = code.number();
  for (std::uint32_t i = 0; i < count && !code.failed(); ++i) {
    if (code.byte() < kCatchAllClause) code.number();
    code.number();
  }
}

void skip_cast_branch(Reader& code) {
  code.byte();
  code.number();
  skip_heap_type(code);
  skip_heap_type(code);
}

void skip(Reader& code, Immediates immediates) {
  switch (immediates) {
    case Immediates::unknown:
      return code.fail();
    case Immediates::none:
      return;
    case Immediates::two_numbers:
      code.skip_number();
      [[fallthrough]];
    case Immediates::number:
      return code.skip_number();
    case Immediates::byte:
      return static_cast<void>(code.take(1));
    case Immediates::four_bytes:
      return static_cast<void>(code.take(4));
    case Immediates::eight_bytes:
      return static_cast<void>(code.take(8));
    case Immediates::sixteen_bytes:
      return static_cast<void>(code.take(16));
    case Immediates::block_type:
      return skip_block_type(code);
    case Immediates::heap_type:
      return skip_heap_type(code);
    case Immediates::value_types:
      return skip_value_types(code);
    case Immediates::memory:
      return skip_memory_argument(code);
    case Immediates::memory_lane:
      skip_memory_argument(code);
      return static_cast<void>(code.take(1));
    case Immediates::branch_table:
      return skip_branch_table(code);
    case Immediates::catch_clauses:
      return skip_catch_clauses(code);
    case Immediates::cast_branch:
      return skip_cast_branch(code);
    case Immediates::gc:
      return skip_gc_immediates(code, code.number());
    case Immediates::bulk:
      return skip(code, kBulk[code.number()]);
    case Immediates::simd:
      return skip(code, kSimd[code.number()]);
    case Immediates::atomic:
      return skip(code, kAtomic[code.number()]);
  }
}

}  // namespace

void skip_heap_type(Reader& code) { code.skip_number(); }

void skip_value_type(Reader& code) {
  const std::uint8_t type = code.byte();
  if (type == kRefNull || type == kRef) skip_heap_type(code);
}

// A value type, 0x40 for none, or a type index: all are signed LEB128, but a reference type goes on.
void skip_block_type(Reader& code) {
  const std::byte* first = code.position();
  const bool is_reference = !code.done() && (*first == std::byte{kRefNull} || *first == std::byte{kRef});
  code.skip_number();
  if (is_reference) skip_heap_type(code);
}

void skip_immediates(Reader& code, std::uint8_t opcode) { skip(code, kPlain[opcode]); }

void skip_gc_immediates(Reader& code, std::uint32_t opcode) { skip(code, kGc[opcode]); }

void skip_locals(Reader& body) {
  const std::uint32_t groups = body.number();
  for (std::uint32_t i = 0; i < groups && !body.failed(); ++i) {
    body.number();
    skip_value_type(body);
  }
}

bool has_legacy_try(Reader body) {
  skip_locals(body);
  while (!body.done()) {
    const std::uint8_t opcode = body.byte();
    if (opcode == kTry) return true;
    skip_immediates(body, opcode);
  }
  return false;
}

}  // namespace dcp::binary
