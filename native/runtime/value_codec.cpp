#include "runtime/value_codec.hpp"

#include <sys/stat.h>

#include <algorithm>
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
using engine::ObjectKind;
using engine::Value;
using msgpack::Bytes;
using msgpack::Item;
using msgpack::kBigInt;
using msgpack::kShared;
using msgpack::kTimestamp;
using msgpack::kTypedArray;
using msgpack::Malformed;
using msgpack::Type;

namespace {

constexpr int kDeepest = static_cast<int>(frames::kDeepestValue);
constexpr const char* kTooLarge = "more than 1 GiB in one value";
constexpr double kLargestInteger = 9007199254740992.0;        // 2 ** 53
constexpr std::size_t kMostUndefined = std::size_t{1} << 24;  // each takes Python more than the hole that it was
constexpr std::size_t kLongestHead = 1 + msgpack::kMostDimensions * 8 + 1 + 1;  // of an array's elements in a frame
constexpr std::size_t kMostStepsShown = 12, kLongestShown = 40;
static_assert(static_cast<std::size_t>(ElementType::array_buffer) + 1 == msgpack::kElementTypes);

std::string_view text(Bytes data) { return {reinterpret_cast<const char*>(data.data()), data.size()}; }

constexpr const char* kClassName = R"js((() => {
  const { apply } = Reflect, { toString } = Object.prototype, { slice } = String.prototype;
  return (value) => apply(slice, apply(toString, value, []), [8, -1]);
})())js";

/// A property as it stands in source text: ".name" or ["any text"].
std::string property_text(std::string key) {
  engine::replace_surrogates(key);
  const auto is_word = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '$';
  };
  const bool is_name = !key.empty() && (key[0] < '0' || key[0] > '9') && std::all_of(key.begin(), key.end(), is_word);
  if (key.size() > kLongestShown) {
    std::size_t end = kLongestShown;
    while (end > 0 && (static_cast<unsigned char>(key[end]) & 0xC0U) == 0x80) --end;
    key.resize(end);
    key += "...";
  }
  if (is_name) return "." + key;
  std::string text = "[\"";
  for (const char c : key) {
    if (c == '"' || c == '\\') text += '\\';
    text += static_cast<unsigned char>(c) < ' ' ? ' ' : c;
  }
  return text + "\"]";
}

}  // namespace

ValueCodec::ValueCodec(engine::Engine& engine) : engine_(engine) {
  const engine::Scope scope(engine);
  spread_ = engine::Ref(engine, engine.evaluate("(items) => [...items]", "dcp:codec", engine::ScriptKind::classic));
  class_name_ = engine::Ref(engine, engine.evaluate(kClassName, "dcp:codec", engine::ScriptKind::classic));
}

// --- Encoding ---

Frame ValueCodec::encode(Value value) {
  // A getter of the value may send a frame of its own: what is written so far is put aside for it.
  Frame frame;
  Current current{.value = value, .path_begin = path_.size()};
  const auto swap = [&] {
    writer_.bytes().swap(frame.payload);
    descriptors_.swap(frame.descriptors);
    std::swap(current_, current);
  };
  swap();
  try {
    write(value, 0);
  } catch (...) {
    path_.resize(current_.path_begin);
    swap();
    throw;
  }
  swap();
  return frame;
}

void ValueCodec::refuse(ErrorType type, const std::string& what, const std::string& hint) {
  engine_.raise(type, what + " cannot leave the sandbox: " + where() + hint);
}

/// As a user would write it: `result.a[3]`. A frame is an array, of which users know the value alone.
std::string ValueCodec::where() {
  const std::span<const Step> path = std::span(path_).subspan(current_.path_begin);
  if (path.empty() || path[0].key != nullptr) return "value";
  const double kind = engine_.as_number(engine_.get(current_.value, std::uint32_t{0}));
  std::string text = kind == frames::kResult ? "result" : "value";
  for (std::size_t i = 1; i < path.size(); ++i) {
    if (path.size() > kMostStepsShown && i == kMostStepsShown / 2) {
      text += " ... ";
      i = path.size() - kMostStepsShown / 2;
    }
    text += path[i].key != nullptr ? property_text(*path[i].key) : "[" + std::to_string(path[i].index) + "]";
  }
  return text;
}

void ValueCodec::write(Value value, int depth) {
  if (writer_.bytes().size() > frames::kLargestPayload) refuse(ErrorType::range_error, kTooLarge);
  switch (engine_.kind(value)) {
    case Kind::undefined:  // or a hole of an array
      if (++current_.undefined > kMostUndefined) {
        refuse(ErrorType::range_error, "a value with more than 16777216 empty items");
      }
      return writer_.nil();
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
        refuse(ErrorType::type_error, "a value nested more than 512 deep, or one that contains itself,");
      }
      const engine::Scope scope(engine_);
      return write_object(value, depth + 1);
    }
    case Kind::symbol:
      refuse(ErrorType::type_error, "a symbol");
    case Kind::function:
      refuse(ErrorType::type_error, "a function");
  }
}

void ValueCodec::write_number(double value) {
  const bool integer = std::trunc(value) == value && std::fabs(value) <= kLargestInteger;
  if (integer && !(value == 0 && std::signbit(value))) return writer_.integer(static_cast<std::int64_t>(value));
  writer_.float64(value);
}

void ValueCodec::write_object(Value value, int depth) {
  switch (const ObjectKind kind = engine_.object_kind(value)) {
    case ObjectKind::array:
      return write_array(value, depth);
    case ObjectKind::buffer:
      return write_buffer(value);
    case ObjectKind::date:
      return write_date(engine_.date_value(value));
    case ObjectKind::error:
      return write_error(value);
    case ObjectKind::set:
      return write_array(engine_.call(spread_.get(), engine_.undefined(), {&value, 1}), depth);
    case ObjectKind::map:
      return write_map(value, depth);
    case ObjectKind::plain:
    case ObjectKind::boxed:
    case ObjectKind::proxy:
    case ObjectKind::opaque:
      return write_properties(value, kind, depth);
  }
}

void ValueCodec::write_array(Value value, int depth) {
  const std::uint64_t count = engine_.length(value);
  if (count > frames::kLargestPayload - std::min(writer_.bytes().size(), frames::kLargestPayload)) {
    refuse(ErrorType::range_error, kTooLarge);
  }
  writer_.array(count);
  path_.push_back({nullptr, 0});
  for (std::uint64_t i = 0; i < count; ++i) {
    const engine::Scope scope(engine_);
    path_.back().index = i;
    write(engine_.get(value, static_cast<std::uint32_t>(i)), depth);
  }
  path_.pop_back();
}

void ValueCodec::write_map(Value value, int depth) {
  const Value entries = engine_.call(spread_.get(), engine_.undefined(), {&value, 1});
  const std::uint64_t count = engine_.length(entries);
  writer_.map(count);
  for (std::uint64_t i = 0; i < count; ++i) {
    const engine::Scope scope(engine_);
    const Value entry = engine_.get(entries, static_cast<std::uint32_t>(i));
    const Value key = engine_.get(entry, std::uint32_t{0});
    const Kind kind = engine_.kind(key);
    if (kind == Kind::symbol) refuse(ErrorType::type_error, "a Map with a symbol as key");
    if (kind == Kind::object || kind == Kind::function) {
      refuse(ErrorType::type_error, "a Map with an object as key");
    }
    const std::string text = engine_.to_string(key);
    writer_.string(text);
    path_.push_back({&text, 0});
    write(engine_.get(entry, std::uint32_t{1}), depth);
    path_.pop_back();
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

// An object without properties may be of a class that keeps its content elsewhere: it would arrive empty.
void ValueCodec::refuse_hidden(Value value, ObjectKind kind) {
  std::string name = engine_.to_string(engine_.call(class_name_.get(), engine_.undefined(), {&value, 1}));
  if (engine_.same(value, engine_.global())) name = "global object";
  if (kind == ObjectKind::plain && (name == "Object" || name == "Arguments")) return;
  if (name == "Object" || name.empty() || name.size() > kLongestShown) name = "object of a class with hidden content";
  const bool is_vowel = std::string_view("AEIOUaeiou").find(name[0]) != std::string_view::npos;
  refuse(ErrorType::type_error, (is_vowel ? "an " : "a ") + name, name == "Promise" ? "; await it" : "");
}

void ValueCodec::write_properties(Value value, ObjectKind kind, int depth) {
  const Value to_json = engine_.get(value, "toJSON");
  if (engine_.kind(to_json) == Kind::function) return write(engine_.call(to_json, value, {}), depth);
  if (kind == ObjectKind::boxed) return write(engine_.unboxed(value), depth);
  if (kind == ObjectKind::proxy) refuse(ErrorType::type_error, "a Proxy of a built-in object");
  std::vector<std::string> keys;
  if (kind == ObjectKind::plain) keys = engine_.keys(value);
  if (keys.empty()) refuse_hidden(value, kind);
  writer_.map(keys.size());
  for (std::string& key : keys) {
    const engine::Scope scope(engine_);
    const Value item = engine_.get(value, key);
    engine::replace_surrogates(key);
    writer_.string(key);
    path_.push_back({&key, 0});
    write(item, depth);
    path_.pop_back();
  }
}

void ValueCodec::write_date(double milliseconds) {
  if (std::isnan(milliseconds)) refuse(ErrorType::type_error, "an invalid Date");
  const double seconds = std::floor(milliseconds / 1000);
  const auto nanoseconds = static_cast<std::uint32_t>((milliseconds - seconds * 1000) * 1e6);
  const auto whole = static_cast<std::uint64_t>(static_cast<std::int64_t>(seconds));
  writer_.extension(kTimestamp, 12);
  for (int shift = 24; shift >= 0; shift -= 8) writer_.byte(nanoseconds >> shift & 0xffU);
  for (int shift = 56; shift >= 0; shift -= 8) writer_.byte(static_cast<unsigned>(whole >> shift & 0xffU));
}

/// What the frame that brought an array, or the user, has told of it in a property. Runs JavaScript.
std::optional<msgpack::Shape> ValueCodec::shape_of(Value array) {
  const engine::Scope scope(engine_);
  const Value sizes = engine_.get(array, "shape");
  if (engine_.kind(sizes) != Kind::object || engine_.object_kind(sizes) != ObjectKind::array) return std::nullopt;
  const std::uint64_t dimensions = engine_.length(sizes);
  if (dimensions > msgpack::kMostDimensions) return std::nullopt;
  msgpack::Shape shape;
  for (std::uint32_t i = 0; i < dimensions; ++i) {
    const double size = engine_.as_number(engine_.get(sizes, i));
    if (!(size >= 0 && size <= kLargestInteger && std::trunc(size) == size)) return std::nullopt;
    shape.push_back(static_cast<std::uint64_t>(size));
  }
  return shape;
}

void ValueCodec::write_buffer(Value value) {
  const auto before = engine_.buffer_view(value);
  const bool is_array = before && before->type < ElementType::data_view;
  std::optional<msgpack::Shape> shape = is_array ? shape_of(value) : std::nullopt;
  const auto found = engine_.buffer_view(value);
  if (!found) {
    refuse(ErrorType::type_error, "a detached buffer", "; it was transferred, or its WebAssembly memory has grown");
  }
  const BufferView& view = *found;
  const auto type = static_cast<std::uint8_t>(view.type);
  if (shape && !msgpack::fits(*shape, view.size / engine::element_size(view.type))) shape.reset();
  const auto begin = [&](std::int8_t code, std::size_t size) {
    if (!shape) return writer_.extension(code, size);
    const std::vector<std::uint8_t> head = msgpack::shape_head(*shape, code);
    writer_.extension(msgpack::kShaped, head.size() + size);
    writer_.raw(head.data(), head.size());
  };
  if (view.size > frames::kLargestInline && descriptors_.size() < frames::kMostDescriptors) {
    const auto index = static_cast<std::uint32_t>(descriptors_.size());
    const std::uint64_t range[] = {0, view.size};
    descriptors_.push_back(ipc::sealed_copy({view.data, view.size}));
    begin(kShared, 1 + 4 + 16);
    writer_.byte(type);
    writer_.raw(&index, sizeof index);
    return writer_.raw(range, sizeof range);
  }
  if (view.size > UINT32_MAX - kLongestHead) refuse(ErrorType::range_error, "a buffer that large");
  if (view.type == ElementType::array_buffer) return writer_.binary({view.data, view.size});
  begin(kTypedArray, 1 + view.size);
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
      return engine_.boolean(item.integer != 0);
    case Type::integer:
      return engine_.number(static_cast<double>(item.integer));
    case Type::unsigned_integer:
      return engine_.number(static_cast<double>(item.unsigned_integer));
    case Type::real:
      return engine_.number(item.real);
    case Type::text:
      return engine_.string(text(reader.take(item)));
    case Type::binary:
      return engine_.array_buffer(std::as_bytes(reader.take(item)));
    case Type::array:
      return read_array(item.size, reader, descriptors, depth);
    case Type::map:
      return read_map(item.size, reader, descriptors, depth);
    case Type::extension:
      return read_extension(item.extension, reader.take(item), descriptors);
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
    if (key.type != Type::text) throw Malformed("a map with a key that is no string");
    const std::string_view name = text(reader.take(key));
    engine_.define_own(object, name, read(reader, descriptors, depth + 1));
  }
  return object;
}

Value ValueCodec::read_extension(std::int8_t code, Bytes data, std::span<Descriptor> descriptors) {
  switch (code) {
    case kTimestamp: {
      const msgpack::Timestamp time = msgpack::read_timestamp(data);
      return engine_.date(static_cast<double>(time.seconds) * 1000 + std::floor(time.nanoseconds / 1e6));
    }
    case kTypedArray:
      return read_typed_array(data);
    case kShared:
      return read_shared(msgpack::read_shared(data), descriptors);
    case kBigInt:
      return engine_.bigint_from_hex(text(data));
    case msgpack::kShaped:
      return read_shaped(msgpack::read_shaped(data), descriptors);
    default:
      throw Malformed("an unknown MessagePack extension");
  }
}

Value ValueCodec::read_shaped(const msgpack::ShapedArray& array, std::span<Descriptor> descriptors) {
  const Value elements = read_extension(array.code, array.data, descriptors);
  std::vector<Value> sizes;
  for (const std::uint64_t size : array.shape) sizes.push_back(engine_.number(static_cast<double>(size)));
  engine_.define(elements, "shape", engine_.array(sizes));
  return elements;
}

/// `size`: in bytes, of whole elements.
Value ValueCodec::typed(ElementType type, Value buffer, std::size_t size) {
  if (type == ElementType::array_buffer) return buffer;
  return engine_.view(type, buffer, 0, size / engine::element_size(type));
}

Value ValueCodec::read_typed_array(Bytes data) {
  msgpack::check_elements(data);
  const Bytes elements = data.subspan(1);
  const Value buffer = engine_.array_buffer(std::as_bytes(elements));
  return typed(static_cast<ElementType>(data[0]), buffer, elements.size());
}

Value ValueCodec::read_shared(const msgpack::SharedPart& part, std::span<Descriptor> descriptors) {
  if (part.descriptor >= descriptors.size()) throw Malformed("a shared buffer without its descriptor");
  const auto type = static_cast<ElementType>(part.element_type);
  if (part.size == 0) return typed(type, engine_.array_buffer(std::size_t{0}), 0);
  const int fd = descriptors[part.descriptor].get();
  struct stat status;
  if (fstat(fd, &status) < 0) throw std::system_error(errno, std::generic_category(), "fstat");
  const auto length = static_cast<std::uint64_t>(status.st_size);
  if (part.offset > length || part.size > length - part.offset) {
    throw std::out_of_range("a shared buffer ends beyond its file");
  }
  ipc::Mapping mapped(fd, part.offset, part.size, ipc::Access::private_copy);
  const auto release = [](void* address, std::size_t bytes, void*) { ipc::unmap(address, bytes); };
  return typed(type, engine_.external_array_buffer(mapped.release(), part.size, release, nullptr), part.size);
}

// --- Frames that no descriptor may leave with ---

Frame without_descriptors(const Frame& frame) {
  msgpack::Writer writer;
  msgpack::Reader reader(frame.payload);
  while (!reader.at_end()) {
    const std::uint8_t* begin = reader.position();
    const Item item = reader.next();
    Bytes data = reader.take(item);
    std::int8_t code = item.extension;
    std::vector<std::uint8_t> head;
    if (item.type == Type::extension && code == msgpack::kShaped) {
      const msgpack::ShapedArray array = msgpack::read_shaped(data);
      head = msgpack::shape_head(array.shape, kTypedArray);
      code = array.code;
      data = array.data;
    }
    if (item.type != Type::extension || code != kShared) {
      writer.raw(begin, static_cast<std::size_t>(reader.position() - begin));
      continue;
    }
    const msgpack::SharedPart part = msgpack::read_shared(data);  // from the start of a descriptor of its own
    if (writer.bytes().size() + part.size > frames::kLargestPayload) {
      throw std::system_error(ETOOMANYREFS, std::generic_category(), "passing the value's buffers");
    }
    const ipc::Mapping mapped(frame.descriptors[part.descriptor].get(), 0, part.size);
    if (part.element_type == static_cast<std::uint8_t>(ElementType::array_buffer)) {
      writer.binary(mapped.bytes());
    } else {
      writer.extension(head.empty() ? kTypedArray : msgpack::kShaped, head.size() + 1 + part.size);
      writer.raw(head.data(), head.size());
      writer.byte(part.element_type);
      writer.raw(mapped.bytes().data(), part.size);
    }
  }
  return {std::move(writer.bytes()), {}};
}

}  // namespace dcp::runtime
