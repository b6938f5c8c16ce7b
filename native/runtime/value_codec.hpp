// JavaScript values <-> the MessagePack of frames (docs/protocol.md, section 1).
#pragma once

#include <vector>

#include "engine/engine.hpp"
#include "ipc/descriptor.hpp"
#include "runtime/msgpack.hpp"

namespace dcp::runtime {

using ipc::Descriptor;

/// A frame on its way: the MessagePack and the descriptors that go with it.
struct Frame {
  std::vector<std::byte> payload;
  std::vector<Descriptor> descriptors;
};

class ValueCodec {
 public:
  explicit ValueCodec(engine::Engine& engine);

  /// Throws engine::Thrown (TypeError, RangeError) for what cannot travel: functions, symbols, cycles, too much.
  Frame encode(engine::Value value);
  /// Throws msgpack::Malformed. Buffers in shared memory are mapped privately, without a copy.
  engine::Value decode(std::span<const std::byte> payload, std::span<Descriptor> descriptors);

 private:
  void write(engine::Value value, int depth);
  void write_number(double value);
  void write_object(engine::Value value, int depth);
  void write_array(engine::Value value, int depth);
  void write_map(engine::Value value, int depth);
  void write_date(double milliseconds);
  void write_buffer(const engine::BufferView& view);
  void write_error(engine::Value value);
  void write_properties(engine::Value value, int depth);

  engine::Value read(msgpack::Reader& reader, std::span<Descriptor> descriptors, int depth);
  engine::Value read_extension(const msgpack::Item& item, std::span<Descriptor> descriptors);
  engine::Value read_array(std::size_t count, msgpack::Reader& reader, std::span<Descriptor> descriptors, int depth);
  engine::Value read_map(std::size_t count, msgpack::Reader& reader, std::span<Descriptor> descriptors, int depth);
  engine::Value read_date(std::span<const std::byte> data);
  engine::Value read_typed_array(std::span<const std::byte> data);
  engine::Value read_shared(std::span<const std::byte> data, std::span<Descriptor> descriptors);
  engine::Value typed(engine::ElementType type, engine::Value buffer, std::size_t offset, std::size_t size);

  engine::Engine& engine_;
  engine::Ref spread_;       ///< Map or Set -> array of entries
  engine::Ref is_detached_;  ///< whether an object is a detached buffer, or a view of one
  msgpack::Writer writer_;
  std::vector<Descriptor> descriptors_;
};

}  // namespace dcp::runtime
