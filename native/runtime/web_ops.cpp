#include "runtime/web_ops.hpp"

#include <sys/random.h>
#include <time.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>

#include "runtime/base64.hpp"
#include "runtime/encoding_tables.hpp"

namespace dcp::runtime {

using engine::BufferView;
using engine::Engine;
using engine::ErrorType;
using engine::Value;

namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

Runtime& runtime_of(void* context) { return *static_cast<Runtime*>(context); }

Value coarse(Engine& engine, void* context, double ms) {
  const double steps_per_ms = 1000.0 / runtime_of(context).clock_step_us;
  return engine.number(std::floor(ms * steps_per_ms) / steps_per_ms);
}

Value argument(Engine& engine, std::span<const Value> args, std::size_t index) {
  return index < args.size() ? args[index] : engine.undefined();
}

BufferView buffer_argument(Engine& engine, std::span<const Value> args, std::size_t index) {
  const auto view = engine.buffer_view(argument(engine, args, index));
  if (!view) engine.raise(ErrorType::type_error, "expected a buffer that is not detached");
  return *view;
}

Value monotonic(Engine& engine, void*, std::span<const Value>) { return engine.number(monotonic_ms()); }

Value now(Engine& engine, void* context, std::span<const Value>) { return coarse(engine, context, monotonic_ms()); }

Value wall_clock(Engine& engine, void* context, std::span<const Value>) {
  timespec time;
  clock_gettime(CLOCK_REALTIME, &time);
  return coarse(engine, context, static_cast<double>(time.tv_sec) * 1e3 + static_cast<double>(time.tv_nsec) / 1e6);
}

Value clock_step(Engine& engine, void* context, std::span<const Value>) {
  return engine.number(runtime_of(context).clock_step_us / 1000.0);
}

Value set_timer(Engine& engine, void* context, std::span<const Value> args) {
  const double when = engine.to_number(argument(engine, args, 0));
  EventLoop& loop = runtime_of(context).loop();
  if (when >= 0) {
    loop.set_timer(when);
  } else {
    loop.set_timer(std::nullopt);
  }
  return engine.undefined();
}

Value async_context(Engine& engine, void*, std::span<const Value>) {
  return engine.number(static_cast<double>(engine.async_context()));
}

Value set_async_context(Engine& engine, void*, std::span<const Value> args) {
  engine.set_async_context(static_cast<std::int64_t>(engine.as_number(args[0])));
  return engine.undefined();
}

Value random_bytes(Engine& engine, void*, std::span<const Value> args) {
  const BufferView view = buffer_argument(engine, args, 0);
  std::size_t done = 0;
  while (done < view.size) {
    const ssize_t count = getrandom(view.data + done, view.size - done, 0);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) engine.raise(ErrorType::error, std::string("getrandom failed: ") + std::strerror(errno));
    done += static_cast<std::size_t>(count);
  }
  return engine.undefined();
}

Value utf8_encode(Engine& engine, void*, std::span<const Value> args) {
  const std::string text = engine.to_string(argument(engine, args, 0));
  return engine.array_buffer(std::as_bytes(std::span(text)));
}

Value utf8_encode_into(Engine& engine, void*, std::span<const Value> args) {
  const std::string text = engine.to_string(argument(engine, args, 0));
  const BufferView view = buffer_argument(engine, args, 1);
  const Utf8Prefix prefix = utf8_prefix_that_fits(text, view.size);
  if (prefix.bytes > 0) std::memcpy(view.data, text.data(), prefix.bytes);
  return engine.number(static_cast<double>(prefix.utf16_units) * 0x1p32 + static_cast<double>(prefix.bytes));
}

Value utf8_decode(Engine& engine, void*, std::span<const Value> args) {
  const BufferView view = buffer_argument(engine, args, 0);
  const double offset = engine.to_number(argument(engine, args, 1));
  const double length = engine.to_number(argument(engine, args, 2));
  const bool fatal = engine.truthy(argument(engine, args, 3));
  const auto size = static_cast<double>(view.size);
  if (!(offset >= 0 && length >= 0 && offset <= size && length <= size - offset)) {
    engine.raise(ErrorType::range_error, "the range lies outside the buffer");
  }
  std::span bytes(reinterpret_cast<const std::uint8_t*>(view.data) + static_cast<std::size_t>(offset),
                  static_cast<std::size_t>(length));
  std::string copy;
  if (view.shared) {  // another agent may change it between the check and the use
    copy.assign(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    bytes = {reinterpret_cast<const std::uint8_t*>(copy.data()), copy.size()};
  }
  if (valid_utf8_prefix(bytes) == bytes.size()) {
    return engine.string({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  }
  if (fatal) engine.raise(ErrorType::type_error, "The encoded data is not valid UTF-8");
  return engine.string(to_well_formed_utf8(bytes));
}

Value encoding_table_op(Engine& engine, void*, std::span<const Value> args) {
  return engine.string(encoding_table(engine.to_string(argument(engine, args, 0))));
}

Value base64_encode_op(Engine& engine, void*, std::span<const Value> args) {
  const auto bytes = bytes_of_binary_string(engine.to_string(argument(engine, args, 0)));
  return bytes ? engine.string(base64_encode(*bytes)) : engine.null();
}

Value base64_decode_op(Engine& engine, void*, std::span<const Value> args) {
  const auto bytes = forgiving_base64_decode(engine.to_string(argument(engine, args, 0)));
  return bytes ? engine.string(binary_string_of_bytes(*bytes)) : engine.null();
}

Value report_error(Engine& engine, void* context, std::span<const Value> args) {
  engine::Thrown thrown{engine::Ref(engine, argument(engine, args, 0)), false};
  const auto& report = runtime_of(context).report_uncaught;
  if (report) report(thrown);
  return engine.undefined();
}

Value collect_garbage(Engine& engine, void*, std::span<const Value>) {
  engine.collect_garbage();
  return engine.undefined();
}

/// The bytes of the character that `lead` begins, and the range of its second byte (RFC 3629, table of section 4).
struct Sequence {
  std::size_t length;  ///< 0: no character begins so
  std::uint8_t second_from, second_to;
};

Sequence sequence_of(std::uint8_t lead) {
  if (lead < 0x80) return {1, 0, 0};
  if (lead >= 0xC2 && lead <= 0xDF) return {2, 0x80, 0xBF};
  if (lead == 0xE0) return {3, 0xA0, 0xBF};
  if (lead == 0xED) return {3, 0x80, 0x9F};
  if (lead >= 0xE1 && lead <= 0xEF) return {3, 0x80, 0xBF};
  if (lead == 0xF0) return {4, 0x90, 0xBF};
  if (lead >= 0xF1 && lead <= 0xF3) return {4, 0x80, 0xBF};
  if (lead == 0xF4) return {4, 0x80, 0x8F};
  return {0, 0, 0};
}

/// How many bytes at the start of `bytes` (not empty) belong together, and whether they are a whole character.
struct Step {
  std::size_t length;
  bool whole;
};

Step step(std::span<const std::uint8_t> bytes) {
  const Sequence sequence = sequence_of(bytes[0]);
  if (sequence.length == 0) return {1, false};
  for (std::size_t i = 1; i < sequence.length; ++i) {
    const std::uint8_t from = i == 1 ? sequence.second_from : 0x80;
    const std::uint8_t to = i == 1 ? sequence.second_to : 0xBF;
    if (i >= bytes.size() || bytes[i] < from || bytes[i] > to) return {i, false};
  }
  return {sequence.length, true};
}

std::size_t ascii_prefix(std::span<const std::uint8_t> bytes) {
  std::size_t i = 0;
  for (; i + 8 <= bytes.size(); i += 8) {
    std::uint64_t word;
    std::memcpy(&word, bytes.data() + i, 8);
    if ((word & 0x8080808080808080u) != 0) break;
  }
  while (i < bytes.size() && bytes[i] < 0x80) ++i;
  return i;
}

}  // namespace

std::size_t valid_utf8_prefix(std::span<const std::uint8_t> bytes) {
  std::size_t i = 0;
  while (i < bytes.size()) {
    i += ascii_prefix(bytes.subspan(i));
    if (i == bytes.size()) break;
    const Step next = step(bytes.subspan(i));
    if (!next.whole) break;
    i += next.length;
  }
  return i;
}

std::string to_well_formed_utf8(std::span<const std::uint8_t> bytes) {
  std::string text;
  text.reserve(bytes.size() + 16);
  while (!bytes.empty()) {
    const std::size_t valid = valid_utf8_prefix(bytes);
    text.append(reinterpret_cast<const char*>(bytes.data()), valid);
    bytes = bytes.subspan(valid);
    if (bytes.empty()) break;
    text.append(kReplacement);
    bytes = bytes.subspan(step(bytes).length);
  }
  return text;
}

Utf8Prefix utf8_prefix_that_fits(std::string_view text, std::size_t capacity) {
  Utf8Prefix prefix{0, 0};
  while (prefix.bytes < text.size()) {
    const auto lead = static_cast<std::uint8_t>(text[prefix.bytes]);
    const std::size_t length = std::max<std::size_t>(1, sequence_of(lead).length);
    if (length > capacity - prefix.bytes) break;
    prefix.bytes += length;
    prefix.utf16_units += length == 4 ? 2 : 1;
  }
  return prefix;
}

void install_web_ops(Runtime& runtime) {
  runtime.add_op("monotonic", 0, monotonic, &runtime);
  runtime.add_op("now", 0, now, &runtime);
  runtime.add_op("clockStep", 0, clock_step, &runtime);
  runtime.add_op("wallClock", 0, wall_clock, &runtime);
  runtime.add_op("setTimer", 1, set_timer, &runtime);
  runtime.add_op("asyncContext", 0, async_context, &runtime);
  runtime.add_op("setAsyncContext", 1, set_async_context, &runtime);
  runtime.add_op("randomBytes", 1, random_bytes, &runtime);
  runtime.add_op("utf8Encode", 1, utf8_encode, &runtime);
  runtime.add_op("utf8EncodeInto", 2, utf8_encode_into, &runtime);
  runtime.add_op("utf8Decode", 4, utf8_decode, &runtime);
  runtime.add_op("encodingTable", 1, encoding_table_op, &runtime);
  runtime.add_op("base64Encode", 1, base64_encode_op, &runtime);
  runtime.add_op("base64Decode", 1, base64_decode_op, &runtime);
  runtime.add_op("reportError", 1, report_error, &runtime);
  runtime.add_op("collectGarbage", 0, collect_garbage, &runtime);
}

}  // namespace dcp::runtime
