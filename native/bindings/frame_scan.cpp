#include "frame_scan.hpp"

#include <algorithm>
#include <array>
#include <iterator>

#include "frame_protocol.hpp"
#include "ipc/frame_reader.hpp"
#include "msgpack/extensions.hpp"
#include "msgpack/item.hpp"
#include "utf8.hpp"

namespace dcp::bindings {

using ipc::FrameError;
using msgpack::Item;
using msgpack::Malformed;
using msgpack::Type;

namespace {

/// What breaks MessagePack's rules breaks those of frames.
template <typename Read>
auto as_frame(Read read) {
  try {
    return read();
  } catch (const Malformed& error) {
    throw FrameError(std::string("a frame cannot be decoded: ") + error.what());
  }
}

FrameHead head_of(Bytes payload) {
  msgpack::Reader reader(payload);
  const Item array = reader.next();
  if (array.type != Type::array || array.size == 0) throw Malformed("it is no array");
  const Item kind = reader.next();
  if (kind.type != Type::integer || kind.integer < 0 || kind.integer >= std::ssize(frames::kKinds) ||
      !frames::kKinds[kind.integer].from_sandbox) {
    throw FrameError("a frame of an unknown kind");
  }
  FrameHead head{static_cast<int>(kind.integer), std::nullopt};
  if (!frames::kKinds[head.kind].has_slice || array.size < 2) return head;
  const Item slice = reader.next();
  if (slice.type == Type::nil) return head;
  if (slice.type != Type::integer || slice.integer < 0) throw FrameError("not a slice number");
  head.slice = slice.integer;
  return head;
}

constexpr std::size_t kDeepest = frames::kDeepestValue + 1;  // the frame itself is an array

class Scanner {
 public:
  Scanner(Bytes payload, std::size_t descriptors, std::size_t limit)
      : payload_(payload), reader_(payload), descriptors_(descriptors), limit_(limit), field_begin_(payload.data()) {}

  FrameScan run() {
    scan_.head = head_of(payload_);
    kind_ = &frames::kKinds[scan_.head.kind];
    const Item frame = reader_.next();
    open_[0] = {0, false};
    open_[1] = {frame.size, false};
    for (std::size_t depth = 1;;) {
      Open& open = open_[depth];
      if (open.left == 0) {
        if (depth == 0) break;
        --depth;
        continue;
      }
      --open.left;
      if (depth == 1) begin_field();
      if (open.is_map) key();
      const Item inner = item();
      if (inner.size == 0) continue;
      if (++depth == open_.size()) throw Malformed("it is nested too deeply");
      open_[depth] = {inner.size, inner.type == Type::map};
    }
    judge();
    return scan_;
  }

 private:
  /// An array or a map of which so many items, or pairs, are to come.
  struct Open {
    std::size_t left;
    bool is_map;
  };

  void begin_field() {
    end_field();
    field_begin_ = reader_.position();
    in_value_ = field_ != 0 && field_ == kind_->value;
    ++field_;
  }

  void end_field() {
    const auto bytes = static_cast<std::size_t>(reader_.position() - field_begin_);
    if (in_value_) return spend(bytes);
    other_bytes_ += bytes;
  }

  void judge() {
    if (!reader_.at_end()) throw Malformed("it has bytes after its fields");
    end_field();
    if (other_bytes_ > kind_->most_bytes || other_values_ > kind_->most_values) {
      throw FrameError("a frame of kind " + std::to_string(scan_.head.kind) + " that has too much");
    }
    if (unusable_ != nullptr) throw UnusableValueError(scan_.head, unusable_);
    if (cost_ > limit_) {
      throw UnusableValueError(scan_.head, "it costs more than the limit of " + std::to_string(limit_) +
                                               " bytes (each value counts 64, each array or object 512)");
    }
  }

  void key() {
    const Item key = reader_.next();
    if (key.type != Type::text) throw Malformed("a map has a key that is no text");
    count();
    spend(wider_than_utf8(reader_.take(key)));
  }

  /// The next item, of which `size` is left where other items are to follow as its own.
  Item item() {
    Item item = reader_.next();
    count();
    switch (item.type) {
      case Type::map:
        if (item.size > frames::kMostKeys) refuse("an object with more than 1,048,576 keys");
        [[fallthrough]];
      case Type::array:
        spend(frames::kContainerCost - frames::kValueCost);
        return item;
      case Type::text:
        spend(wider_than_utf8(reader_.take(item)));
        break;
      case Type::binary:
        (void)reader_.take(item);
        break;
      case Type::extension:
        extension(item.extension, reader_.take(item));
        break;
      default:
        break;
    }
    item.size = 0;
    return item;
  }

  void extension(std::int8_t code, Bytes data) {
    switch (code) {
      case msgpack::kTimestamp:
        if (!msgpack::read_timestamp(data).is_in_range()) refuse("a date outside of the years 1 to 9999");
        return;
      case msgpack::kTypedArray:
        return msgpack::check_elements(data);
      case msgpack::kShared: {
        const msgpack::SharedPart part = msgpack::read_shared(data);
        if (part.descriptor >= descriptors_) throw FrameError("a shared buffer without its descriptor");
        return spend(part.size);
      }
      case msgpack::kShaped: {
        const msgpack::ShapedArray array = msgpack::read_shaped(data);
        spend(frames::kValueCost);
        return extension(array.code, array.data);
      }
      case msgpack::kBigInt:
        if (!msgpack::is_hexadecimal(data)) throw FrameError("a BigInt that is no hexadecimal number");
        if (data.size() > frames::kMostBigintDigits) refuse("a BigInt of more than 1,048,576 hexadecimal digits");
        return;
      default:
        throw FrameError("an unknown extension type " + std::to_string(code));
    }
  }

  void count() {
    ++scan_.values;
    if (in_value_) return spend(frames::kValueCost);
    ++other_values_;
  }

  /// Beyond the limit it is of no interest how far.
  void spend(std::size_t bytes) {
    if (in_value_ && cost_ <= limit_) cost_ += std::min(bytes, limit_ + 1);
  }

  /// The first reason counts.
  void refuse(const char* reason) {
    if (unusable_ == nullptr) unusable_ = reason;
  }

  Bytes payload_;
  msgpack::Reader reader_;
  std::size_t descriptors_;
  std::size_t limit_;
  std::size_t cost_ = 0;
  const frames::Kind* kind_ = nullptr;
  std::size_t field_ = 0;  ///< the next one
  const std::uint8_t* field_begin_;
  bool in_value_ = false;
  std::size_t other_bytes_ = 0, other_values_ = 0;  ///< of what is no value
  std::array<Open, kDeepest + 1> open_;
  FrameScan scan_;
  const char* unusable_ = nullptr;
};

}  // namespace

FrameHead read_head(Bytes payload) {
  return as_frame([&] { return head_of(payload); });
}

FrameScan scan_frame(Bytes payload, std::size_t descriptors, std::size_t limit) {
  return as_frame([&] { return Scanner(payload, descriptors, limit).run(); });
}

}  // namespace dcp::bindings
