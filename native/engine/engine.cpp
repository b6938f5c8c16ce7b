#include "engine/engine.hpp"

namespace dcp::engine {

Ref::Ref(Engine& engine, Value value) : engine_(&engine), value_(engine.retain(value)) {}

Ref::Ref(const Ref& other) : engine_(other.engine_) {
  if (engine_ != nullptr) value_ = engine_->retain(engine_->local(other.value_));
}

Ref& Ref::operator=(Ref other) noexcept {
  std::swap(engine_, other.engine_);
  std::swap(value_, other.value_);
  return *this;
}

Value Ref::get() const { return engine_->local(value_); }

void Ref::reset() {
  if (engine_ == nullptr) return;
  engine_->release(value_);
  engine_ = nullptr;
}

void Engine::raise(Value value) { throw Thrown{Ref(*this, value)}; }

void Engine::raise(ErrorType type, std::string_view message) { raise(error(type, message)); }

void Engine::terminate() { throw Thrown{{}, true}; }

std::string calls_of(const std::string& stack, const std::string& name) {
  if (stack.starts_with("    at ")) return stack;
  const std::size_t first = stack.find("\n    at ");
  if (first != std::string::npos) return stack.substr(first + 1);
  return stack.starts_with(name) ? "" : stack;
}

// U+FFFD takes three bytes too.
void replace_surrogates(std::string& text) {
  for (std::size_t i = text.find('\xED'); i != std::string::npos; i = text.find('\xED', i + 1)) {
    if (i + 2 < text.size() && static_cast<unsigned char>(text[i + 1]) >= 0xA0) text.replace(i, 3, "\xEF\xBF\xBD");
  }
}

std::size_t element_size(ElementType type) {
  switch (type) {
    case ElementType::int16:
    case ElementType::uint16:
    case ElementType::float16:
      return 2;
    case ElementType::int32:
    case ElementType::uint32:
    case ElementType::float32:
      return 4;
    case ElementType::bigint64:
    case ElementType::biguint64:
    case ElementType::float64:
      return 8;
    default:
      return 1;
  }
}

}  // namespace dcp::engine
