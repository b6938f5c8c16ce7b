#include "binary/legacy_outline.hpp"

#include "binary/instructions.hpp"

namespace dcp::binary {

namespace {

enum class Part : std::uint8_t { other, body, handler, last_handler };

/// A block that is open.
struct Frame {
  Part part = Part::other;    // of a try
  std::uint32_t attempt = 0;  // the index of that try
  Catcher catcher = kCaller;  // of what is thrown directly inside
};

class Outliner {
 public:
  Outliner(Reader code, const Signatures& signatures) : code_(code), signatures_(signatures) {}

  std::optional<LegacyOutline> run() {
    frames_.push_back({});
    while (!frames_.empty() && !code_.done()) step(code_.byte());
    if (code_.failed() || !frames_.empty() || !code_.rest().empty()) return std::nullopt;
    return std::move(outline_);
  }

 private:
  void step(std::uint8_t opcode) {
    switch (opcode) {
      case kBlock:
      case kLoop:
      case kIf:
        frames_.push_back({Part::other, 0, frames_.back().catcher});
        return skip_block_type(code_);
      case kTry:
        return begin_try();
      case kCatch:
        return begin_handler(code_.number());
      case kCatchAll:
        return begin_handler(std::nullopt);
      case kRethrow:
        return rethrow();
      case kDelegate:
        return end_with_delegate();
      case kEnd:
        return frames_.pop_back();
      case kTryTable:
      case kThrowRef:
        return code_.fail();
      default:
        return skip_immediates(code_, opcode);
    }
  }

  void begin_try() {
    const std::byte* first = code_.position();
    const auto signature = signatures_.read_block_type(code_);
    if (!signature) return code_.fail();
    const auto index = static_cast<std::uint32_t>(outline_.tries.size());
    LegacyTry& made = outline_.tries.emplace_back();
    made.block_type = {first, code_.position()};
    made.signature = *signature;
    frames_.push_back({Part::body, index, static_cast<Catcher>(index)});
  }

  void begin_handler(std::optional<std::uint32_t> tag) {
    Frame& frame = frames_.back();
    const bool is_declared = !tag || signatures_.tag(*tag) != nullptr;
    if ((frame.part != Part::body && frame.part != Part::handler) || !is_declared) return code_.fail();
    frame.part = tag ? Part::handler : Part::last_handler;
    frame.catcher = frames_[frames_.size() - 2].catcher;
    outline_.tries[frame.attempt].catches.push_back({tag});
  }

  void rethrow() {
    const Frame* frame = labelled(code_.number());
    if (frame == nullptr || (frame->part != Part::handler && frame->part != Part::last_handler)) return code_.fail();
    outline_.tries[frame->attempt].catches.back().is_rethrown = true;
  }

  void end_with_delegate() {
    const Frame ended = frames_.back();
    if (ended.part != Part::body) return code_.fail();
    frames_.pop_back();
    const Frame* target = labelled(code_.number());
    if (target == nullptr) return code_.fail();
    if (target->catcher == frames_.back().catcher) return;
    outline_.tries[ended.attempt].delegate = target->catcher;
    if (target->catcher == kCaller) {
      outline_.caller_is_delegated_to = true;
    } else {
      outline_.tries[static_cast<std::size_t>(target->catcher)].is_delegated_to = true;
    }
  }

  const Frame* labelled(std::uint32_t label) const {
    return label < frames_.size() ? &frames_[frames_.size() - 1 - label] : nullptr;
  }

  Reader code_;
  const Signatures& signatures_;
  std::vector<Frame> frames_;
  LegacyOutline outline_;
};

}  // namespace

std::optional<LegacyOutline> outline_legacy_exceptions(Reader code, const Signatures& signatures) {
  return Outliner(code, signatures).run();
}

}  // namespace dcp::binary
