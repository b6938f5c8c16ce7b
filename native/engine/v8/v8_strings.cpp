// Strings: from UTF-8 and code units, and back.
#include <algorithm>
#include <array>
#include <limits>
#include <new>
#include <string>
#include <utility>

#include "engine/v8/v8_engine.hpp"

namespace dcp::engine::v8engine {

namespace {

bool is_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

/// Text that stays where it is: the engine does not own it.
class LentText final : public v8::String::ExternalOneByteStringResource {
 public:
  explicit LentText(std::string_view text) : text_(text) {}
  const char* data() const override { return text_.data(); }
  std::size_t length() const override { return text_.size(); }

 private:
  std::string_view text_;
};

class OwnText final : public v8::String::ExternalOneByteStringResource {
 public:
  explicit OwnText(std::string text) : text_(std::move(text)) {}
  const char* data() const override { return text_.data(); }
  std::size_t length() const override { return text_.size(); }

 private:
  std::string text_;
};

}  // namespace

v8::Local<v8::String> V8Engine::text(std::string_view utf8) {
  v8::Local<v8::String> made;
  const bool fits =
      utf8.size() <= static_cast<std::size_t>(v8::String::kMaxLength) * 3 &&
      utf8.size() <= static_cast<std::size_t>(std::numeric_limits<int>::max()) &&
      v8::String::NewFromUtf8(isolate_, utf8.data(), v8::NewStringType::kNormal, static_cast<int>(utf8.size()))
          .ToLocal(&made);
  if (!fits) raise(ErrorType::range_error, "invalid string length");
  return made;
}

/// A string over text that outlives the engine: without a copy where it is ASCII.
v8::Local<v8::String> V8Engine::lent_text(std::string_view utf8) {
  v8::Local<v8::String> made;
  if (utf8.empty() || !is_ascii(utf8) || !v8::String::NewExternalOneByte(isolate_, new LentText(utf8)).ToLocal(&made)) {
    return text(utf8);
  }
  return made;
}

Value V8Engine::string(std::string_view utf8) { return from(text(utf8)); }

Value V8Engine::string(std::u16string_view units) {
  v8::Local<v8::String> made;
  if (units.size() > static_cast<std::size_t>(v8::String::kMaxLength) ||
      !v8::String::NewFromTwoByte(isolate_, reinterpret_cast<const std::uint16_t*>(units.data()),
                                  v8::NewStringType::kNormal, static_cast<int>(units.size()))
           .ToLocal(&made)) {
    raise(ErrorType::range_error, "invalid string length");
  }
  return from(made);
}

Value V8Engine::concat(Value first, Value second) {
  const auto a = to(first).As<v8::String>(), b = to(second).As<v8::String>();
  if (a->Length() > v8::String::kMaxLength - b->Length()) raise(ErrorType::range_error, "invalid string length");
  return from(v8::String::Concat(isolate_, a, b));
}

Value V8Engine::slice(Value string, std::uint32_t start, std::uint32_t end) {
  const Value bounds[] = {number(start), number(end)};
  return call(from(substring_.Get(isolate_)), string, bounds);
}

std::string V8Engine::utf8(v8::Local<v8::String> text, int flags) {
  std::string bytes(text->Utf8LengthV2(isolate_), '\0');
  bytes.resize(text->WriteUtf8V2(isolate_, bytes.data(), bytes.size(), flags));
  return bytes;
}

std::string V8Engine::to_string(Value value) {
  if (to(value)->IsString()) return utf8(to(value).As<v8::String>());
  return utf8(guarded([&] { return to(value)->ToString(context()); }));
}

std::uint32_t V8Engine::string_length(Value string) {
  return static_cast<std::uint32_t>(to(string).As<v8::String>()->Length());
}

void V8Engine::for_each_stretch(Value string, const std::function<bool(StringUnits)>& take) {
  const auto text = to(string).As<v8::String>();
  const auto length = static_cast<std::uint32_t>(text->Length());
  const bool wide = !text->IsOneByte();
  std::array<std::uint16_t, 16384> units;
  const auto room = static_cast<std::uint32_t>(wide ? units.size() : sizeof units);
  for (std::uint32_t at = 0, count = 0; at < length; at += count) {
    count = std::min(room, length - at);
    if (wide) {
      text->WriteV2(isolate_, at, count, units.data());
    } else {
      text->WriteOneByteV2(isolate_, at, count, reinterpret_cast<std::uint8_t*>(units.data()));
    }
    if (!take(StringUnits{units.data(), count, wide})) return;
  }
}

/// Where all of the text is ASCII, V8 reads it where it was put together.
class V8StringBuilder final : public StringBuilder {
 public:
  explicit V8StringBuilder(V8Engine& engine) : engine_(engine) {}

  void add(std::string_view utf8) override try {
    ascii_ = ascii_ && is_ascii(utf8);
    text_ += utf8;
  } catch (const std::bad_alloc&) {
    engine_.raise(ErrorType::range_error, "out of memory");
  }

  Value finish() override {
    if (!ascii_ || text_.empty() || text_.size() > static_cast<std::size_t>(v8::String::kMaxLength)) {
      return engine_.string(text_);
    }
    text_.shrink_to_fit();
    auto* resource = new OwnText(std::move(text_));
    v8::Local<v8::String> made;
    if (v8::String::NewExternalOneByte(engine_.isolate_, resource).ToLocal(&made)) return V8Engine::from(made);
    engine_.raise(ErrorType::range_error, "invalid string length");
  }

 private:
  V8Engine& engine_;
  std::string text_;
  bool ascii_ = true;
};

std::unique_ptr<StringBuilder> V8Engine::string_builder() { return std::make_unique<V8StringBuilder>(*this); }

}  // namespace dcp::engine::v8engine
