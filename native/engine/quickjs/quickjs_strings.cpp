// Strings, by their units.
#include <cstdint>
#include <utility>

#include "engine/quickjs/quickjs_engine.hpp"
#include "engine/quickjs/strings.h"

namespace dcp::engine::quickjs {

Value QuickJsEngine::string(std::string_view utf8) { return own(JS_NewStringLen(context_, utf8.data(), utf8.size())); }

class QuickJsStringBuilder final : public StringBuilder {
 public:
  explicit QuickJsStringBuilder(QuickJsEngine& engine) : engine_(engine), builder_(dcp_builder_new(engine.context_)) {
    if (builder_ == nullptr) engine_.throw_pending();
  }
  QuickJsStringBuilder(const QuickJsStringBuilder&) = delete;
  QuickJsStringBuilder& operator=(const QuickJsStringBuilder&) = delete;
  ~QuickJsStringBuilder() override {
    if (builder_ != nullptr) dcp_builder_free(builder_);
  }

  void add(std::string_view utf8) override { engine_.check(dcp_builder_add(builder_, utf8.data(), utf8.size())); }
  Value finish() override { return engine_.own(dcp_builder_end(std::exchange(builder_, nullptr))); }

 private:
  QuickJsEngine& engine_;
  DcpBuilder* builder_;
};

std::unique_ptr<StringBuilder> QuickJsEngine::string_builder() { return std::make_unique<QuickJsStringBuilder>(*this); }

Value QuickJsEngine::string(std::u16string_view units) {
  if (units.size() > UINT32_MAX) raise(ErrorType::range_error, "invalid string length");
  const auto* data = reinterpret_cast<const std::uint16_t*>(units.data());
  return own(dcp_string_of_units(context_, data, static_cast<std::uint32_t>(units.size())));
}

Value QuickJsEngine::concat(Value first, Value second) {
  return own(dcp_string_concat(context_, js(first), js(second)));
}

Value QuickJsEngine::slice(Value string, std::uint32_t start, std::uint32_t end) {
  return own(dcp_string_slice(context_, js(string), start, end));
}

std::string QuickJsEngine::to_string(Value value) {
  std::size_t size = 0;
  const char* text = JS_ToCStringLen(context_, &size, js(value));
  if (text == nullptr) throw_pending();
  std::string result(text, size);
  JS_FreeCString(context_, text);
  replace_surrogates(result);
  return result;
}

std::uint32_t QuickJsEngine::string_length(Value string) { return dcp_string_length(js(string)); }

void QuickJsEngine::for_each_stretch(Value string, const std::function<bool(StringUnits)>& take) {
  const auto call = [](void* opaque, const void* units, std::uint32_t length, int is_wide) -> int {
    return (*static_cast<const std::function<bool(StringUnits)>*>(opaque))({units, length, is_wide != 0}) ? 1 : 0;
  };
  (void)dcp_string_stretches(js(string), call, const_cast<std::function<bool(StringUnits)>*>(&take));
}

StringUnits QuickJsEngine::string_units(Value string) {
  int is_wide = 0;
  const void* data = dcp_string_units(context_, js(string), &is_wide);
  if (data == nullptr) throw_pending();
  return {data, dcp_string_length(js(string)), is_wide != 0};
}

}  // namespace dcp::engine::quickjs
