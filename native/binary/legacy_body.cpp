#include "binary/legacy_body.hpp"

#include <algorithm>

#include "binary/instructions.hpp"
#include "binary/legacy_outline.hpp"

namespace dcp::binary {

namespace {

constexpr std::uint8_t kExnref = 0x69;
constexpr std::uint32_t kMaxLocals = 50'000;

/// The catch clauses of try_table.
enum CatchClause : std::uint8_t { kCatchTag = 0, kCatchTagRef = 1, kCatchEvery = 2, kCatchEveryRef = 3 };

/// A block that is open in the legacy code. Labels of the new code count from the outermost.
struct Frame {
  std::uint32_t label = 0;  // where a branch to this block goes
  const LegacyTry* attempt = nullptr;
  std::uint32_t handler = 0;    // how many of the catches have begun
  std::uint32_t exception = 0;  // the local that holds what the open one has caught, if it is rethrown
};

// A try with the handlers A and B becomes
//
//   block $end (type of the try)
//     block $b (parameters of B's tag)
//       block $a (parameters of A's tag)
//         try_table (type of the try) (catch A $a) (catch B $b)
//           the body
//         end
//         br $end
//       end
//       block (from the parameters of A's tag to the results of the try)
//         handler A
//       end
//       br $end
//     end
//     handler B
//   end
//
// A handler that rethrows gets the exception too, as an exnref, and keeps it in a local; handlers that are not inside
// each other share one. The block around a handler is there because `br` would accept more values than `end` does.
//
// Where a `delegate` names the try, what it passes on lands in the try_table and is thrown there once more:
//
//   block $landing (result exnref)
//     block (type of the try)
//       the body, with try_table (catch_all_ref $landing) ... end for the try that has the delegate
//     end
//     br to the end of the try_table
//   end
//   throw_ref
//
// The function's body is wrapped likewise where a `delegate` names the caller.
class Rewriter {
 public:
  Rewriter(Reader code, const LegacyOutline& outline, std::uint32_t first_local, const Signatures& signatures,
           BlockTypes& block_types)
      : code_(code),
        copied_(code.position()),
        outline_(outline),
        landings_(outline.tries.size()),
        first_local_(first_local),
        signatures_(signatures),
        block_types_(block_types) {}

  bool run(const Signature& function) {
    if (outline_.caller_is_delegated_to) open_landing({}, function.results);
    frames_.push_back({});
    while (!frames_.empty() && !code_.done()) {
      const std::byte* instruction = code_.position();
      step(instruction, code_.byte());
    }
    copy_until(code_.position());
    return !code_.failed() && !block_types_.too_many();
  }

  const Writer& code() const { return out_; }
  /// How many locals of type exnref it uses.
  std::uint32_t exceptions() const { return most_exceptions_; }

 private:
  void step(const std::byte* instruction, std::uint8_t opcode) {
    switch (opcode) {
      case kBlock:
      case kLoop:
      case kIf:
        frames_.push_back({depth_++});
        return skip_block_type(code_);
      case kBr:
      case kBrIf:
      case kBrOnNull:
      case kBrOnNonNull:
        return label();
      case kBrTable:
        return branch_table();
      case kGcPrefix:
        return gc_instruction();
      case kTry:
        copy_until(instruction);
        skip_block_type(code_);
        begin_try(outline_.tries[next_try_++]);
        break;
      case kCatch:
        code_.number();
        [[fallthrough]];
      case kCatchAll:
        copy_until(instruction);
        begin_handler();
        break;
      case kRethrow:
        copy_until(instruction);
        rethrow(code_.number());
        break;
      case kDelegate:
        code_.number();
        [[fallthrough]];
      case kEnd:
        copy_until(instruction);
        end();
        break;
      default:
        return skip_immediates(code_, opcode);
    }
    copied_ = code_.position();
  }

  // --- What is copied, with other labels ---

  void copy_until(const std::byte* end) {
    out_.raw({copied_, end});
    copied_ = end;
  }

  void label() {
    const std::byte* first = code_.position();
    const std::uint32_t number = code_.number();
    if (number >= frames_.size()) return code_.fail();
    const std::uint32_t distance = distance_of(frames_[frames_.size() - 1 - number].label);
    if (distance == number) return;
    copy_until(first);
    out_.number(distance);
    copied_ = code_.position();
  }

  void branch_table() {
    const std::uint32_t count = code_.number();
    for (std::uint32_t i = 0; i < count && !code_.failed(); ++i) label();
    label();
  }

  void gc_instruction() {
    const std::uint32_t opcode = code_.number();
    if (opcode != kBrOnCast && opcode != kBrOnCastFail) return skip_gc_immediates(code_, opcode);
    code_.byte();
    label();
    skip_heap_type(code_);
    skip_heap_type(code_);
  }

  // --- Blocks of the new code ---

  std::uint32_t distance_of(std::uint32_t label) const { return depth_ - 1 - label; }

  void open(std::uint8_t opcode) {
    out_.byte(opcode);
    ++depth_;
  }

  void close() {
    out_.byte(kEnd);
    --depth_;
  }

  void branch(std::uint32_t label) {
    out_.byte(kBr);
    out_.number(distance_of(label));
  }

  void local(std::uint8_t opcode, std::uint32_t index) {
    out_.byte(opcode);
    out_.number(index);
  }

  /// Gives the label of the block in which exceptions land.
  std::uint32_t open_landing(const ValueTypes& params, const ValueTypes& results) {
    const std::uint32_t landing = depth_;
    open(kBlock);
    block_types_.write(out_, params, {}, true);
    open(kBlock);
    block_types_.write(out_, params, results);
    return landing;
  }

  // --- try ---

  void begin_try(const LegacyTry& attempt) {
    frames_.push_back({depth_, &attempt});
    open(kBlock);
    out_.raw(attempt.block_type);
    for (std::size_t i = attempt.catches.size(); i-- > 0;) {
      open(kBlock);
      const LegacyCatch& handler = attempt.catches[i];
      block_types_.write(out_, attempt.signature.params, parameters(handler), handler.is_rethrown);
    }
    out_.byte(kTryTable);
    out_.raw(attempt.block_type);
    catch_clauses(attempt);
    ++depth_;
    if (!attempt.is_delegated_to) return;
    landings_[next_try_ - 1] = open_landing(attempt.signature.params, attempt.signature.results);
  }

  /// Their labels count from outside the try_table.
  void catch_clauses(const LegacyTry& attempt) {
    if (attempt.delegate) {
      constexpr std::uint32_t kCallersLanding = 1;  // within the function
      const Catcher target = *attempt.delegate;
      out_.number(1);
      out_.byte(kCatchEveryRef);
      return out_.number(
          distance_of(target == kCaller ? kCallersLanding : landings_[static_cast<std::size_t>(target)]));
    }
    out_.number(static_cast<std::uint32_t>(attempt.catches.size()));
    for (std::uint32_t i = 0; i < attempt.catches.size(); ++i) {
      const LegacyCatch& handler = attempt.catches[i];
      if (handler.tag) {
        out_.byte(handler.is_rethrown ? kCatchTagRef : kCatchTag);
        out_.number(*handler.tag);
      } else {
        out_.byte(handler.is_rethrown ? kCatchEveryRef : kCatchEvery);
      }
      out_.number(i);
    }
  }

  void begin_handler() {
    Frame& frame = frames_.back();
    if (frame.handler == 0) {
      close_body(*frame.attempt);
    } else {
      leave_handler(frame);
      close();
    }
    branch(frame.label);
    close();
    const LegacyCatch& handler = frame.attempt->catches[frame.handler++];
    if (handler.is_rethrown) {
      frame.exception = first_local_ + exceptions_++;
      most_exceptions_ = std::max(most_exceptions_, exceptions_);
      local(kLocalSet, frame.exception);
    }
    if (frame.handler == frame.attempt->catches.size()) return;
    open(kBlock);
    block_types_.write(out_, parameters(handler), frame.attempt->signature.results);
  }

  /// Its local is free for others.
  void leave_handler(const Frame& frame) {
    if (frame.attempt->catches[frame.handler - 1].is_rethrown) --exceptions_;
  }

  void close_body(const LegacyTry& attempt) {
    if (attempt.is_delegated_to) {
      close();
      branch(depth_ - 2);
      close();
      out_.byte(kThrowRef);
    }
    close();
  }

  void rethrow(std::uint32_t label) {
    local(kLocalGet, frames_[frames_.size() - 1 - label].exception);
    out_.byte(kThrowRef);
  }

  void end() {
    const Frame frame = frames_.back();
    frames_.pop_back();
    if (frames_.empty() && outline_.caller_is_delegated_to) {
      close();
      out_.byte(kReturn);
      close();
      out_.byte(kThrowRef);
    }
    if (frame.attempt != nullptr && frame.handler == 0) close_body(*frame.attempt);
    if (frame.attempt != nullptr && frame.handler != 0) leave_handler(frame);
    close();
  }

  ValueTypes parameters(const LegacyCatch& handler) const {
    return handler.tag ? signatures_.tag(*handler.tag)->params : ValueTypes{};
  }

  Reader code_;
  const std::byte* copied_;  // what comes before it is in out_
  Writer out_;
  const LegacyOutline& outline_;
  std::size_t next_try_ = 0;
  std::vector<std::uint32_t> landings_;  // of each try that is delegated to
  std::vector<Frame> frames_;
  std::uint32_t depth_ = 1;  // labels of the new code that are in reach; the function's is the first
  std::uint32_t first_local_;
  std::uint32_t exceptions_ = 0;  // that open handlers keep
  std::uint32_t most_exceptions_ = 0;
  const Signatures& signatures_;
  BlockTypes& block_types_;
};

struct Locals {
  std::uint32_t groups = 0;
  std::uint64_t count = 0;
  std::span<const std::byte> declarations;
};

Locals read_locals(Reader& body) {
  Locals locals;
  locals.groups = body.number();
  const std::byte* first = body.position();
  for (std::uint32_t i = 0; i < locals.groups && !body.failed(); ++i) {
    locals.count += body.number();
    skip_value_type(body);
  }
  locals.declarations = {first, body.position()};
  return locals;
}

}  // namespace

bool rewrite_legacy_body(std::span<const std::byte> body, const Signature& function, const Signatures& signatures,
                         BlockTypes& block_types, Writer& out) {
  Reader code(body);
  const Locals locals = read_locals(code);
  if (code.failed() || locals.count > kMaxLocals) return false;
  const auto outline = outline_legacy_exceptions(code, signatures);
  if (!outline) return false;
  const auto first_local = function.params.count + static_cast<std::uint32_t>(locals.count);
  Rewriter rewriter(code, *outline, first_local, signatures, block_types);
  if (!rewriter.run(function)) return false;
  Writer made;
  made.number(locals.groups + (rewriter.exceptions() > 0 ? 1 : 0));
  made.raw(locals.declarations);
  if (rewriter.exceptions() > 0) {
    made.number(rewriter.exceptions());
    made.byte(kExnref);
  }
  made.raw(rewriter.code().bytes());
  out.sized(made.bytes());
  return true;
}

}  // namespace dcp::binary
