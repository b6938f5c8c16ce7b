// JavaScript values <-> the MessagePack of frames (docs/protocol.md, section 1).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/engine.hpp"
#include "ipc/descriptor.hpp"
#include "msgpack/extensions.hpp"
#include "msgpack/item.hpp"
#include "msgpack/writer.hpp"

namespace dcp::runtime {

using ipc::Descriptor;

/// A frame on its way: the MessagePack and the descriptors that go with it.
struct Frame {
  std::vector<std::byte> payload;
  std::vector<Descriptor> descriptors;
};

/// The same frame with its buffers' bytes in the payload. Throws std::system_error where it would be too large.
Frame without_descriptors(const Frame& frame);

class ValueCodec {
 public:
  explicit ValueCodec(engine::Engine& engine);

  /// Throws engine::Thrown (TypeError, RangeError) for what cannot travel: functions, symbols, cycles, too much. The
  /// message says where in the value it is.
  Frame encode(engine::Value value);
  /// Throws msgpack::Malformed. Buffers in shared memory are mapped privately, without a copy.
  engine::Value decode(std::span<const std::byte> payload, std::span<Descriptor> descriptors);

 private:
  /// A step from a value to a part of it.
  struct Step {
    const std::string* key;  ///< null: an item
    std::uint64_t index;
  };
  /// The frame that is written.
  struct Current {
    engine::Value value{};
    std::size_t path_begin = 0;  ///< in path_
    std::size_t undefined = 0;   ///< items so far
  };

  /// Throws "`what` cannot leave the sandbox: " and where it is in the value.
  [[noreturn]] void refuse(engine::ErrorType type, const std::string& what, const std::string& hint = "");
  std::string where();
  void write(engine::Value value, int depth);
  void write_number(double value);
  void write_object(engine::Value value, int depth);
  void write_array(engine::Value value, int depth);
  void write_map(engine::Value value, int depth);
  void write_date(double milliseconds);
  void write_buffer(engine::Value value);
  std::optional<msgpack::Shape> shape_of(engine::Value array);
  void write_error(engine::Value value);
  void write_properties(engine::Value value, engine::ObjectKind kind, int depth);
  void refuse_hidden(engine::Value value, engine::ObjectKind kind);

  engine::Value read(msgpack::Reader& reader, std::span<Descriptor> descriptors, int depth);
  engine::Value read_extension(std::int8_t code, msgpack::Bytes data, std::span<Descriptor> descriptors);
  engine::Value read_array(std::size_t count, msgpack::Reader& reader, std::span<Descriptor> descriptors, int depth);
  engine::Value read_map(std::size_t count, msgpack::Reader& reader, std::span<Descriptor> descriptors, int depth);
  engine::Value read_typed_array(msgpack::Bytes data);
  engine::Value read_shared(const msgpack::SharedPart& part, std::span<Descriptor> descriptors);
  engine::Value read_shaped(const msgpack::ShapedArray& array, std::span<Descriptor> descriptors);
  engine::Value typed(engine::ElementType type, engine::Value buffer, std::size_t size);

  engine::Engine& engine_;
  engine::Ref spread_;      ///< Map or Set -> array of entries
  engine::Ref class_name_;  ///< object -> "RegExp", "Object"
  msgpack::Writer writer_;
  std::vector<Descriptor> descriptors_;
  std::vector<Step> path_;
  Current current_;
};

}  // namespace dcp::runtime
