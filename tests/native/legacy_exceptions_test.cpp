// Legacy exception handling instructions become those of the specification; whatever the bytes are, that ends. What
// the results do when they run is tested through the sandbox, in tests/wasm/test_legacy_exceptions.py.
#include "binary/legacy_exceptions.hpp"

#include <algorithm>
#include <random>

#include "binary/instructions.hpp"
#include "binary/sections.hpp"
#include "binary/writer.hpp"
#include "check.hpp"

using namespace dcp::binary;

namespace {

using Bytes = std::vector<std::byte>;

Bytes bytes(std::initializer_list<int> values) {
  Bytes made;
  for (const int value : values) made.push_back(static_cast<std::byte>(value));
  return made;
}

void section(Writer& out, std::uint8_t id, const Bytes& content) {
  out.byte(id);
  out.sized(content);
}

// Types: 0 () -> (), 1 (i32) -> (), 2 (i32) -> (i32), 3 () -> (i32 i32). Tags: 0 of an i32, 1 of nothing. The function
// is of type 2, and without locals.
Bytes module(const Bytes& instructions) {
  Writer out;
  out.raw(bytes({0, 'a', 's', 'm', 1, 0, 0, 0}));
  section(out, kTypeSection, bytes({4, 0x60, 0, 0, 0x60, 1, 0x7F, 0, 0x60, 1, 0x7F, 1, 0x7F, 0x60, 0, 2, 0x7F, 0x7F}));
  section(out, kFunctionSection, bytes({1, 2}));
  section(out, kTagSection, bytes({2, 0, 1, 0, 0}));
  section(out, kExportSection, bytes({1, 1, 'f', 0, 0}));
  Writer body;
  body.byte(0);
  body.raw(instructions);
  body.byte(kEnd);
  Writer code;
  code.byte(1);
  code.sized(body.bytes());
  Writer custom;
  custom.raw(bytes({3, 'o', 'w', 'n', 7}));
  section(out, kCodeSection, {code.bytes().begin(), code.bytes().end()});
  section(out, kCustomSection, {custom.bytes().begin(), custom.bytes().end()});
  return out.take();
}

Bytes content_of(const Bytes& module, std::uint8_t id) {
  Reader reader(module);
  reader.take(kHeaderSize);
  while (const auto found = next_section(reader)) {
    if (found->id == id) return {found->content.begin(), found->content.end()};
  }
  return {};
}

/// The body of the only function, without its size.
Bytes translated_body(const Bytes& instructions) {
  const auto translated = translate_legacy_exceptions(module(instructions));
  CHECK(translated);
  if (!translated) return {};
  const Bytes content = content_of(*translated, kCodeSection);
  Reader code(content);
  CHECK_EQ(code.number(), 1);
  const auto body = code.take(code.number());
  CHECK(!code.failed() && code.rest().empty());
  return {body.begin(), body.end()};
}

constexpr int kI32 = 0x7F;
constexpr int kNothing = 0x40;
constexpr int kThrow = 0x08;
constexpr int kConst = 0x41;

// Bodies of the type i32 -> i32 with each of the instructions.
std::vector<Bytes> bodies() {
  return {
      bytes({kTry, kI32, kConst, 1, kCatch, 0, kEnd}),
      bytes({kTry, kI32, kConst, 1, kCatch, 0, kCatch, 1, kConst, 2, kCatchAll, kConst, 3, kEnd}),
      bytes({kConst, 4, kTry, 2, kCatch, 0, kCatchAll, kConst, 5, kEnd}),
      bytes({kTry, 3, kConst, 1, kConst, 2, kCatchAll, kConst, 5, kConst, 6, kEnd, 0x6A}),
      bytes({kTry, kI32, kConst, 1, kCatchAll, kTry, kI32, kThrow, 1, kCatch, 1, kRethrow, 1, kEnd, kEnd}),
      bytes({kTry, kI32, kTry, kI32, kTry, kI32, kConst, 1, kDelegate, 1, kCatchAll, kConst, 2, kEnd, kCatch, 0, kEnd}),
      bytes({kTry, kI32, kTry, kI32, kConst, 1, kDelegate, 1, kCatchAll, kConst, 2, kEnd}),
      bytes({kBlock, kI32,      kTry, kI32,     kConst, 1, kBr, 1, kCatchAll, kConst,
             2,      kLocalGet, 0,    kBrTable, 2,      0, 1,   2, kEnd,      kEnd}),
      bytes({kLoop, kI32, kTry, kI32, kThrow, 1, kCatch, 1, kBr, 1, kEnd, kEnd}),
  };
}

void a_try_becomes_a_try_table() {
  // A block for the end of the try, and one for the exception's values, which is the handler's result.
  const Bytes expected =
      bytes({0, kBlock, kI32, kBlock, kI32, kTryTable, kI32, 1, 0, 0, 0, kConst, 1, kEnd, kBr, 1, kEnd, kEnd, kEnd});
  CHECK_EQ(translated_body(bytes({kTry, kI32, kConst, 1, kCatch, 0, kEnd})), expected);
}

void a_rethrow_throws_what_a_local_keeps() {
  // catch_all_ref puts an exnref into the local 1, after the parameter.
  const Bytes expected =
      bytes({1,   1, 0x69, kBlock,    kNothing, kBlock,    0x69, kTryTable, kNothing, 1,         3, 0,   kEnd,
             kBr, 1, kEnd, kLocalSet, 1,        kLocalGet, 1,    kThrowRef, kEnd,     kLocalGet, 0, kEnd});
  CHECK_EQ(translated_body(bytes({kTry, kNothing, kCatchAll, kRethrow, 0, kEnd, kLocalGet, 0})), expected);
}

void branches_reach_what_they_reached() {
  // From the try's body the outer block is two blocks further away; from the last handler it is where it was.
  const Bytes expected =
      bytes({0,   kBlock, kI32, kBlock, kI32, kBlock, kNothing, kTryTable, kI32, 1, 2,    0,    kConst, 1,
             kBr, 3,      kEnd, kBr,    1,    kEnd,   kConst,   2,         kBr,  1, kEnd, kEnd, kEnd});
  CHECK_EQ(
      translated_body(bytes({kBlock, kI32, kTry, kI32, kConst, 1, kBr, 1, kCatchAll, kConst, 2, kBr, 1, kEnd, kEnd})),
      expected);
}

void the_rest_of_a_module_stays() {
  for (const Bytes& body : bodies()) {
    const Bytes original = module(body);
    const auto translated = translate_legacy_exceptions(original);
    CHECK(translated);
    if (!translated) continue;
    CHECK(!translate_legacy_exceptions(*translated));
    for (const std::uint8_t id : {kFunctionSection, kTagSection, kExportSection, kCustomSection}) {
      CHECK_EQ(content_of(*translated, id), content_of(original, id));
    }
    // Types are added after those that are there.
    const Bytes before = content_of(original, kTypeSection);
    const Bytes after = content_of(*translated, kTypeSection);
    CHECK(after.size() >= before.size() && after[0] >= before[0]);
    CHECK(std::equal(before.begin() + 1, before.end(), after.begin() + 1));
  }
}

void others_are_left_alone() {
  CHECK(!translate_legacy_exceptions({}));
  CHECK(!translate_legacy_exceptions(module(bytes({kLocalGet, 0}))));
  CHECK(!translate_legacy_exceptions(module(bytes({kBlock, kNothing, kThrow, 1, kEnd, kLocalGet, 0}))));
  // Not a try, but a constant that looks like it.
  CHECK(!translate_legacy_exceptions(module(bytes({kConst, kTry}))));
}

void malformed_ones_are_left_alone() {
  for (const Bytes& body : {
           bytes({kTry, kI32, kRethrow, 0, kCatchAll, kConst, 1, kEnd}),                       // not in a handler
           bytes({kTry, kI32, kConst, 1, kCatchAll, kConst, 1, kCatch, 0, kEnd}),              // after catch_all
           bytes({kTry, kI32, kConst, 1, kCatch, 9, kEnd}),                                    // no such tag
           bytes({kTry, kI32, kConst, 1, kDelegate, 7}),                                       // no such label
           bytes({kTry, kI32, kConst, 1, kCatch, 0}),                                          // left open
           bytes({kTry, 9, kConst, 1, kCatch, 0, kEnd}),                                       // no such type
           bytes({kTry, kNothing, kTryTable, kNothing, 0, kEnd, kCatchAll, kEnd, kConst, 1}),  // both kinds
           bytes({kTry, kI32, 0xFF, kCatch, 0, kEnd}),                                         // no such instruction
       }) {
    CHECK(!translate_legacy_exceptions(module(body)));
  }
}

void the_size_is_linear() {
  const auto size_of = [](int count) {
    Bytes body;
    for (int i = 0; i < count; ++i) {
      for (const std::byte byte : bytes({kTry, kNothing, kCatchAll, kRethrow, 0, kEnd})) body.push_back(byte);
    }
    for (const std::byte byte : bytes({kLocalGet, 0})) body.push_back(byte);
    const auto translated = translate_legacy_exceptions(module(body));
    CHECK(translated);
    return translated ? translated->size() : 0;
  };
  CHECK(size_of(20'000) < 2 * size_of(10'000) + 100);
}

void deep_nesting_is_translated() {
  constexpr int kDepth = 10'000;
  Bytes body(2 * kDepth);
  for (int i = 0; i < kDepth; ++i) body[2 * i] = std::byte{kTry}, body[2 * i + 1] = std::byte{kNothing};
  for (int i = 0; i < kDepth; ++i) body.push_back(std::byte{kCatchAll}), body.push_back(std::byte{kEnd});
  const auto translated = translate_legacy_exceptions(module(body));
  CHECK(translated && translated->size() < 20 * body.size());
}

// `input` is copied to the end of an allocation of its size, so that a sanitizer sees a read past it.
void survived(const Bytes& input) {
  const Bytes exact(input);
  const auto translated = translate_legacy_exceptions(exact);
  CHECK(!translated || translated->size() < 100 * input.size());
  CHECK(!translated || !translate_legacy_exceptions(*translated));
}

void any_bytes_are_survived() {
  std::mt19937 random(20261124);
  for (const Bytes& body : bodies()) {
    const Bytes valid = module(body);
    for (std::size_t size = 0; size < valid.size(); ++size) survived({valid.begin(), valid.begin() + size});
    for (int round = 0; round < 10'000; ++round) {
      Bytes mutated = valid;
      for (std::size_t left = 1 + random() % 3; left > 0; --left) {
        mutated[kHeaderSize + random() % (mutated.size() - kHeaderSize)] = static_cast<std::byte>(random());
      }
      survived(mutated);
    }
  }
}

}  // namespace

int main() {
  a_try_becomes_a_try_table();
  a_rethrow_throws_what_a_local_keeps();
  branches_reach_what_they_reached();
  the_rest_of_a_module_stays();
  others_are_left_alone();
  malformed_ones_are_left_alone();
  the_size_is_linear();
  deep_nesting_is_translated();
  any_bytes_are_survived();
  return dcp::test::failures == 0 ? 0 : 1;
}
