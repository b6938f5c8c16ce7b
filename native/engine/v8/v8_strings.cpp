// Strings: from UTF-8 and code units, and back.
#include <algorithm>
#include <cstdlib>
#include <limits>
#include <memory>
#include <string>
#include <utility>

#include "engine/ascii.hpp"
#include "engine/v8/v8_engine.hpp"
#include "engine/v8/wide_text.hpp"

namespace dcp::engine::v8engine {

namespace {

/// Text that stays where it is: the engine does not own it.
class LentText final : public v8::String::ExternalOneByteStringResource {
 public:
  explicit LentText(std::string_view text) : text_(text) {}
  const char* data() const override { return text_.data(); }
  std::size_t length() const override { return text_.size(); }

 private:
  std::string_view text_;
};

class OwnWideText final : public v8::String::ExternalStringResource {
 public:
  explicit OwnWideText(WideText text) : text_(std::move(text)) {}
  const std::uint16_t* data() const override { return reinterpret_cast<const std::uint16_t*>(text_.units.get()); }
  std::size_t length() const override { return text_.size; }

 private:
  WideText text_;
};

/// Bytes that grow where they are, as far as the C library can.
class GrowingText {
 public:
  std::string_view text() const { return {bytes_.get(), size_}; }

  /// False: no memory.
  bool add(std::string_view more) {
    if (more.size() > room_ - size_ && !resize(size_ + std::max(more.size(), size_ / 2))) return false;
    std::copy(more.begin(), more.end(), bytes_.get() + size_);
    size_ += more.size();
    return true;
  }

  void give_back_room() { (void)resize(std::max<std::size_t>(size_, 1)); }

 private:
  struct Free {
    void operator()(char* bytes) const { std::free(bytes); }
  };

  bool resize(std::size_t room) {
    auto* const resized = static_cast<char*>(std::realloc(bytes_.get(), room));
    if (resized == nullptr) return false;
    (void)bytes_.release();
    bytes_.reset(resized);
    room_ = room;
    return true;
  }

  std::unique_ptr<char, Free> bytes_;
  std::size_t size_ = 0;
  std::size_t room_ = 0;
};

class OwnText final : public v8::String::ExternalOneByteStringResource {
 public:
  explicit OwnText(GrowingText text) : text_(std::move(text)) {}
  const char* data() const override { return text_.text().data(); }
  std::size_t length() const override { return text_.text().size(); }

 private:
  GrowingText text_;
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

/// A string over text that outlives the engine: without a copy where it is ASCII, else outside of V8's heap.
v8::Local<v8::String> V8Engine::lent_text(std::string_view utf8) {
  v8::Local<v8::String> made;
  if (utf8.size() > static_cast<std::size_t>(v8::String::kMaxLength) || utf8.empty()) return text(utf8);
  if (is_ascii(utf8)) {
    if (v8::String::NewExternalOneByte(isolate_, new LentText(utf8)).ToLocal(&made)) return made;
  } else if (auto wide = wide_text(utf8)) {
    if (v8::String::NewExternalTwoByte(isolate_, new OwnWideText(std::move(*wide))).ToLocal(&made)) return made;
  }
  return text(utf8);
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
  const v8::String::ValueView view(isolate_, to(string).As<v8::String>());
  const bool wide = !view.is_one_byte();
  const auto* units = wide ? static_cast<const void*>(view.data16()) : view.data8();
  if (view.length() > 0) (void)take(StringUnits{units, view.length(), wide});
}

/// Where all of the text is ASCII, V8 reads it where it was put together.
class V8StringBuilder final : public StringBuilder {
 public:
  explicit V8StringBuilder(V8Engine& engine) : engine_(engine) {}

  void add(std::string_view utf8) override {
    ascii_ = ascii_ && is_ascii(utf8);
    if (!text_.add(utf8)) engine_.raise(ErrorType::range_error, "out of memory");
  }

  Value finish() override {
    const std::string_view text = text_.text();
    if (!ascii_ || text.empty() || text.size() > static_cast<std::size_t>(v8::String::kMaxLength)) {
      return engine_.string(text);
    }
    text_.give_back_room();
    auto* resource = new OwnText(std::move(text_));
    v8::Local<v8::String> made;
    if (v8::String::NewExternalOneByte(engine_.isolate_, resource).ToLocal(&made)) return V8Engine::from(made);
    engine_.raise(ErrorType::range_error, "invalid string length");
  }

 private:
  V8Engine& engine_;
  GrowingText text_;
  bool ascii_ = true;
};

std::unique_ptr<StringBuilder> V8Engine::string_builder() { return std::make_unique<V8StringBuilder>(*this); }

}  // namespace dcp::engine::v8engine
