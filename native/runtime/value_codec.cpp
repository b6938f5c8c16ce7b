#include "runtime/value_codec.hpp"

#include <sys/stat.h>

#include <cerrno>
#include <cmath>
#include <cstring>
#include <stdexcept>
#include <system_error>

#include "frame_protocol.hpp"
#include "ipc/mapping.hpp"
#include "ipc/memfd.hpp"

namespace dcp::runtime {

using engine::BufferView;
using engine::ElementType;
using engine::ErrorType;
using engine::Kind;
using engine::Value;
using msgpack::Item;
using msgpack::Malformed;
using msgpack::Type;

namespace {

constexpr int kDeepest = static_cast<int>(frames::kDeepestValue);
constexpr double kLargestInteger = 9007199254740992.0;  // 2 ** 53
constexpr std::int8_t kTimestamp = -1, kTypedArray = 1, kShared = 2, kBigInt = 3;

template <typename T>
T little_endian(std::span<const std::byte> data, std::size_t offset) {
  T value;
  std::memcpy(&value, data.data() + offset, sizeof value);
  return value;
}

std::uint64_t big_endian(std::span<const std::byte> data) {
  std::uint64_t value = 0;
  for (const std::byte byte : data) value = value << 8 | static_cast<std::uint64_t>(byte);
  return value;
}

std::string_view text(std::span<const std::byte> data) {
  return {reinterpret_cast<const char*>(data.data()), data.size()};
}

// Objects without properties of their own: is it a buffer that has lost its memory?
constexpr const char* kIsDetached = R"js((() => {
  const { isView } = ArrayBuffer, { apply } = Reflect;
  const { get: detached } = Object.getOwnPropertyDescriptor(ArrayBuffer.prototype, "detached");
  return (value) => {
    if (isView(value)) return true;
    try { return apply(detached, value, []); } catch { return false; }
  };
})())js";

}  // namespace

ValueCodec::ValueCodec(engine::Engine& engine) : engine_(engine) {
  const engine::Scope scope(engine);
  spread_ = engine::Ref(engine, engine.evaluate("(items) => [...items]", "dcp:codec", engine::ScriptKind::classic));
  is_detached_ = engine::Ref(engine, engine.evaluate(kIsDetached, "dcp:codec", engine::ScriptKind::classic));
}

// --- Encoding ---

Frame ValueCodec::encode(Value value) {
  // A getter of the value may send a frame of its own: what is written so far is put aside for it.
  Frame frame;
  const auto swap = [&] {
    writer_.bytes().swap(frame.payload);
    descriptors_.swap(frame.descriptors);
  };
  swap();
  try {
    write(value, 0);
  } catch (...) {
    swap();
    throw;
  }
  swap();
  return frame;
}

void ValueCodec::write(Value value, int depth) {
  if (writer_.bytes().size() > frames::kLargestPayload) {
    engine_.raise(ErrorType::range_error, "more than 1 GiB cannot leave the sandbox in one value");
  }
  switch (engine_.kind(value)) {
    case Kind::undefined:
    case Kind::null:
      return writer_.nil();
    case Kind::boolean:
      return writer_.boolean(engine_.truthy(value));
    case Kind::number:
      return write_number(engine_.as_number(value));
    case Kind::string:
      return writer_.string(engine_.to_string(value));
    case Kind::bigint: {
      const std::string digits = engine_.bigint_to_hex(value);
      writer_.extension(kBigInt, digits.size());
      return writer_.raw(digits.data(), digits.size());
    }
    case Kind::object: {
      if (depth == kDeepest) {
        engine_.raise(ErrorType::type_error,
                      "a value nested more than 512 deep, or one that contains itself, cannot "
                      "leave the sandbox");
      }
      const engine::Scope scope(engine_);
      return write_object(value, depth + 1);
    }
    case Kind::symbol:
      engine_.raise(ErrorType::type_error, "a symbol cannot leave the sandbox");
    case Kind::function:
      engine_.raise(ErrorType::type_error, "a function cannot leave the sandbox");
  }
}

void ValueCodec::write_number(double value) {
  const bool integer = std::trunc(value) == value && std::fabs(value) <= kLargestInteger;
  if (integer && !(value == 0 && std::signbit(value))) return writer_.integer(static_cast<std::int64_t>(value));
  writer_.float64(value);
}

void ValueCodec::write_object(Value value, int depth) {
  if (engine_.is_array(value)) return write_array(value, depth);
  if (const auto view = engine_.buffer_view(value)) return write_buffer(*view);
  if (engine_.is_date(value)) return write_date(engine_.date_value(value));
  if (engine_.is_error(value)) return write_error(value);
  if (engine_.is_set(value)) return write_array(engine_.call(spread_.get(), engine_.undefined(), {&value, 1}), depth);
  if (engine_.is_map(value)) return write_map(value, depth);
  write_properties(value, depth);
}

void ValueCodec::write_array(Value value, int depth) {
  const std::uint64_t count = engine_.length(value);
  if (count > UINT32_MAX) engine_.raise(ErrorType::range_error, "an array that long cannot leave the sandbox");
  writer_.array(count);
  for (std::uint64_t i = 0; i < count; ++i) {
    const engine::Scope scope(engine_);
    write(engine_.get(value, static_cast<std::uint32_t>(i)), depth);
  }
}

void ValueCodec::write_map(Value value, int depth) {
  const Value entries = engine_.call(spread_.get(), engine_.undefined(), {&value, 1});
  const std::uint64_t count = engine_.length(entries);
  writer_.map(count);
  for (std::uint64_t i = 0; i < count; ++i) {
    const engine::Scope scope(engine_);
    const Value entry = engine_.get(entries, static_cast<std::uint32_t>(i));
    const Value key = engine_.get(entry, std::uint32_t{0});
    if (engine_.kind(key) == Kind::symbol) engine_.raise(ErrorType::type_error, "a Map with a symbol as key");
    writer_.string(engine_.to_string(key));
    write(engine_.get(entry, std::uint32_t{1}), depth);
  }
}

void ValueCodec::write_error(Value value) {
  const engine::Engine::ErrorText error = engine_.describe_error(value);
  writer_.map(3);
  writer_.string("name");
  writer_.string(error.name);
  writer_.string("message");
  writer_.string(error.message);
  writer_.string("stack");
  writer_.string(error.stack);
}

void ValueCodec::write_properties(Value value, int depth) {
  const Value to_json = engine_.get(value, "toJSON");
  if (engine_.kind(to_json) == Kind::function) return write(engine_.call(to_json, value, {}), depth);
  std::vector<std::string> keys = engine_.keys(value);
  if (keys.empty() && engine_.truthy(engine_.call(is_detached_.get(), engine_.undefined(), {&value, 1}))) {
    engine_.raise(
        ErrorType::type_error,
        "a detached buffer cannot leave the sandbox: it was transferred, or its WebAssembly memory has grown");
  }
  writer_.map(keys.size());
  for (std::string& key : keys) {
    const engine::Scope scope(engine_);
    const Value item = engine_.get(value, key);
    engine::replace_surrogates(key);
    writer_.string(key);
    write(item, depth);
  }
}

void ValueCodec::write_date(double milliseconds) {
  if (std::isnan(milliseconds)) return writer_.nil();
  const double seconds = std::floor(milliseconds / 1000);
  const auto nanoseconds = static_cast<std::uint32_t>((milliseconds - seconds * 1000) * 1e6);
  const auto whole = static_cast<std::uint64_t>(static_cast<std::int64_t>(seconds));
  writer_.extension(kTimestamp, 12);
  for (int shift = 24; shift >= 0; shift -= 8) writer_.byte(nanoseconds >> shift & 0xffU);
  for (int shift = 56; shift >= 0; shift -= 8) writer_.byte(static_cast<unsigned>(whole >> shift & 0xffU));
}

void ValueCodec::write_buffer(const BufferView& view) {
  const auto type = static_cast<std::uint8_t>(view.type);
  if (view.size > frames::kLargestInline && descriptors_.size() < frames::kMostDescriptors) {
    const auto index = static_cast<std::uint32_t>(descriptors_.size());
    const std::uint64_t range[] = {0, view.size};
    descriptors_.push_back(ipc::sealed_copy({view.data, view.size}));
    writer_.extension(kShared, 1 + 4 + 16);
    writer_.byte(type);
    writer_.raw(&index, sizeof index);
    return writer_.raw(range, sizeof range);
  }
  if (view.size > UINT32_MAX - 1) engine_.raise(ErrorType::range_error, "a buffer that large cannot leave the sandbox");
  if (view.type == ElementType::array_buffer) return writer_.binary({view.data, view.size});
  writer_.extension(kTypedArray, 1 + view.size);
  writer_.byte(type);
  writer_.raw(view.data, view.size);
}

// --- Decoding ---

Value ValueCodec::decode(std::span<const std::byte> payload, std::span<Descriptor> descriptors) {
  msgpack::Reader reader(payload);
  const Value value = read(reader, descriptors, 0);
  if (!reader.at_end()) throw Malformed("bytes after the end of a frame's value");
  return value;
}

Value ValueCodec::read(msgpack::Reader& reader, std::span<Descriptor> descriptors, int depth) {
  if (depth > kDeepest) throw Malformed("a value nested more than 512 deep");
  const Item item = reader.next();
  switch (item.type) {
    case Type::nil:
      return engine_.null();
    case Type::boolean:
      return engine_.boolean(item.boolean);
    case Type::integer:
      return engine_.number(static_cast<double>(item.integer));
    case Type::unsigned_integer:
      return engine_.number(static_cast<double>(item.unsigned_integer));
    case Type::float64:
      return engine_.number(item.number);
    case Type::string:
      return engine_.string(text(item.data));
    case Type::binary:
      return engine_.array_buffer(item.data);
    case Type::array:
      return read_array(item.count, reader, descriptors, depth);
    case Type::map:
      return read_map(item.count, reader, descriptors, depth);
    case Type::extension:
      return read_extension(item, descriptors);
  }
  throw Malformed("an unknown item");
}

Value ValueCodec::read_array(std::size_t count, msgpack::Reader& reader, std::span<Descriptor> descriptors, int depth) {
  std::vector<Value> items;
  items.reserve(count);
  for (std::size_t i = 0; i < count; ++i) items.push_back(read(reader, descriptors, depth + 1));
  return engine_.array(items);
}

Value ValueCodec::read_map(std::size_t count, msgpack::Reader& reader, std::span<Descriptor> descriptors, int depth) {
  const Value object = engine_.object();
  for (std::size_t i = 0; i < count; ++i) {
    const engine::Scope scope(engine_);
    const Item key = reader.next();
    if (key.type != Type::string) throw Malformed("a map with a key that is no string");
    engine_.define_own(object, text(key.data), read(reader, descriptors, depth + 1));
  }
  return object;
}

Value ValueCodec::read_extension(const Item& item, std::span<Descriptor> descriptors) {
  switch (item.extension) {
    case kTimestamp:
      return read_date(item.data);
    case kTypedArray:
      return read_typed_array(item.data);
    case kShared:
      return read_shared(item.data, descriptors);
    case kBigInt:
      return engine_.bigint_from_hex(text(item.data));
    default:
      throw Malformed("an unknown MessagePack extension");
  }
}

// The three timestamp formats of the MessagePack specification.
Value ValueCodec::read_date(std::span<const std::byte> data) {
  double seconds = 0, nanoseconds = 0;
  if (data.size() == 4) {
    seconds = static_cast<double>(big_endian(data));
  } else if (data.size() == 8) {
    const std::uint64_t both = big_endian(data);
    seconds = static_cast<double>(both & 0x3ffffffffULL);
    nanoseconds = static_cast<double>(both >> 34);
  } else if (data.size() == 12) {
    nanoseconds = static_cast<double>(big_endian(data.first(4)));
    seconds = static_cast<double>(static_cast<std::int64_t>(big_endian(data.subspan(4))));
  } else {
    throw Malformed("a timestamp of an unknown length");
  }
  return engine_.date(seconds * 1000 + std::floor(nanoseconds / 1e6));
}

Value ValueCodec::typed(ElementType type, Value buffer, std::size_t offset, std::size_t size) {
  if (type == ElementType::array_buffer) return buffer;
  const std::size_t width = engine::element_size(type);
  if (size % width != 0) throw Malformed("a typed array with part of an element");
  return engine_.view(type, buffer, offset, size / width);
}

Value ValueCodec::read_typed_array(std::span<const std::byte> data) {
  if (data.empty() || std::to_integer<unsigned>(data[0]) > static_cast<unsigned>(ElementType::array_buffer)) {
    throw Malformed("a typed array of an unknown type");
  }
  const auto type = static_cast<ElementType>(data[0]);
  const auto elements = data.subspan(1);
  return typed(type, engine_.array_buffer(elements), 0, elements.size());
}

Value ValueCodec::read_shared(std::span<const std::byte> data, std::span<Descriptor> descriptors) {
  if (data.size() != 1 + 4 + 16 ||
      std::to_integer<unsigned>(data[0]) > static_cast<unsigned>(ElementType::array_buffer)) {
    throw Malformed("a shared buffer that is not described in 21 bytes");
  }
  const auto index = little_endian<std::uint32_t>(data, 1);
  const auto offset = little_endian<std::uint64_t>(data, 5);
  const auto size = little_endian<std::uint64_t>(data, 13);
  if (index >= descriptors.size()) throw Malformed("a shared buffer without its descriptor");
  const auto type = static_cast<ElementType>(data[0]);
  if (size == 0) return typed(type, engine_.array_buffer(std::size_t{0}), 0, 0);
  const int fd = descriptors[index].get();
  struct stat status;
  if (fstat(fd, &status) < 0) throw std::system_error(errno, std::generic_category(), "fstat");
  const auto length = static_cast<std::uint64_t>(status.st_size);
  if (offset > length || size > length - offset) throw std::out_of_range("a shared buffer ends beyond its file");
  ipc::Mapping mapped(fd, offset, size, ipc::Access::private_copy);
  const auto release = [](void* address, std::size_t bytes, void*) { ipc::unmap(address, bytes); };
  return typed(type, engine_.external_array_buffer(mapped.release(), size, release, nullptr), 0, size);
}

}  // namespace dcp::runtime
