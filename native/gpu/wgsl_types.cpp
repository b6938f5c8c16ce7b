#include "gpu/wgsl_types.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <utility>

namespace dcp::gpu::wgsl {
namespace {

constexpr int kDeepest = 64;
constexpr std::size_t kLongestNumber = 1 << 16;
constexpr double kLargestInteger = INT32_MAX;

Number known(double value) { return {value, {}}; }

Number expression(std::string text) {
  if (text.size() > kLongestNumber) throw Unreadable("the size of a type is too long an expression");
  return {std::nullopt, std::move(text)};
}

/// Counts how deep it is called within itself.
class Depth {
 public:
  explicit Depth(int& depth) : depth_(depth) {
    if (++depth_ > kDeepest) throw Unreadable("types or constants that are made of each other");
  }
  ~Depth() { --depth_; }
  Depth(const Depth&) = delete;

 private:
  int& depth_;
};

/// Evaluates integers with + - * / % << >> and constants; null for all else, also where a value is negative or large.
class Evaluation {
 public:
  explicit Evaluation(const Module& module) : module_(module), text_(module.text()) {}

  std::optional<double> of(Range range) {
    if (++steps_ > kMostSteps) return std::nullopt;
    const Range outer = std::exchange(range_, range);
    ++depth_;
    std::optional<double> value = depth_ <= kDeepest ? binary(0) : std::nullopt;
    if (!range_.empty()) value.reset();
    --depth_;
    range_ = outer;
    return value;
  }

 private:
  static constexpr std::array<std::string_view, 3> kOperators{"<>", "+-", "*/%"};
  static constexpr int kMostSteps = 1000;

  std::optional<double> binary(std::size_t level) {
    if (level == kOperators.size()) return operand();
    std::optional<double> value = binary(level + 1);
    while (value && !range_.empty() && kOperators[level].find(text_[range_.begin].kind) != kOperators[0].npos) {
      const char by = text_[range_.begin++].kind;
      if (level == 0 && (range_.empty() || text_[range_.begin++].kind != by)) return std::nullopt;
      const std::optional<double> other = binary(level + 1);
      if (!other) return std::nullopt;
      value = apply(by, *value, *other);
    }
    return value;
  }

  static std::optional<double> apply(char by, double a, double b) {
    if ((by == '/' || by == '%') && b == 0) return std::nullopt;
    if ((by == '<' || by == '>') && b > 31) return std::nullopt;
    const double value = by == '+'   ? a + b
                         : by == '-' ? a - b
                         : by == '*' ? a * b
                         : by == '/' ? std::floor(a / b)
                         : by == '%' ? std::fmod(a, b)
                         : by == '<' ? a * std::exp2(b)
                                     : std::floor(a / std::exp2(b));
    return value >= 0 && value <= kLargestInteger ? std::optional(value) : std::nullopt;
  }

  std::optional<double> operand() {
    if (range_.empty()) return std::nullopt;
    const std::uint32_t at = range_.begin++;
    switch (text_[at].kind) {
      case '(': {
        const std::uint32_t end = text_[at].partner;
        range_.begin = end + 1;
        return of({at + 1, end});
      }
      case Token::kNumber:
        return literal(text_.word(at));
      case Token::kWord: {
        const Declaration* constant = module_.find(text_.word(at));
        if (constant == nullptr || constant->kind != Declaration::Kind::constant) return std::nullopt;
        return of(constant->value);
      }
      default:
        return std::nullopt;
    }
  }

  static std::optional<double> literal(std::string_view text) {
    const bool hexadecimal = text.starts_with("0x") || text.starts_with("0X");
    if (hexadecimal) text.remove_prefix(2);
    if (text.ends_with('u') || text.ends_with('i')) text.remove_suffix(1);
    std::uint32_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, hexadecimal ? 16 : 10);
    if (error != std::errc() || end != text.data() + text.size() || value > kLargestInteger) return std::nullopt;
    return value;
  }

  const Module& module_;
  const Text& text_;
  Range range_;
  int depth_ = 0;
  int steps_ = 0;
};

std::string digits(double value) {
  std::array<char, 64> buffer{};
  const auto end =
      std::to_chars(buffer.data(), buffer.data() + buffer.size(), std::min(value, 1e30), std::chars_format::fixed, 0);
  return {buffer.data(), end.ptr};
}

}  // namespace

std::string Number::in_u32() const { return known ? digits(*known) + 'u' : text; }

std::string Number::in_f32() const { return known ? digits(*known) + ".0" : text; }

std::string Types::predeclared(std::string_view name) const {
  if (module_.find(name) != nullptr) throw Unreadable("it declares " + std::string(name) + " anew");
  return std::string(name);
}

Type Types::resolve(Range type) const {
  for (int i = 0; i < kDeepest; ++i) {
    const Declaration* declared = module_.find(text_.word(type.begin));
    if (declared == nullptr) return resolve_word(type);
    if (declared->kind == Declaration::Kind::structure) return {Type::Kind::structure, type, declared, {}, {}};
    if (declared->kind != Declaration::Kind::alias) break;
    type = declared->type;
  }
  throw Unreadable(std::string(text_.word(type.begin)) + " is no type");
}

Type Types::resolve_word(Range type) const {
  if (text_.is_word(type.begin, "atomic")) return {Type::Kind::atomic, type, nullptr, {}, {}};
  if (!text_.is_word(type.begin, "array")) return {Type::Kind::plain, type, nullptr, {}, {}};
  Range element{type.begin + 2, type.begin + 3}, count;
  if (type.end - type.begin < 4) throw Unreadable("an array of nothing");
  const Token& behind = text_[element.end];
  if (behind.kind == '<' && behind.partner != Token::kAlone) element.end = behind.partner + 1;
  count = {element.end + 1, type.end - 1};
  if (text_[element.end].kind != ',' || count.begin >= count.end) throw Unreadable("an array without a size");
  if (text_[count.end - 1].kind == ',') --count.end;
  return {Type::Kind::array, type, nullptr, element, count};
}

bool Types::is_plain(const Type& type) {
  if (type.kind != Type::Kind::structure) return type.kind == Type::Kind::plain;
  if (const auto found = plain_.find(type.structure); found != plain_.end()) return found->second;
  const Depth depth(depth_);
  const bool plain =
      std::ranges::all_of(type.structure->fields, [this](const Field& field) { return is_plain(resolve(field.type)); });
  return plain_[type.structure] = plain;
}

Number Types::count(Range range) const {
  if (const auto value = Evaluation(module_).of(range)) return known(*value);
  return expression(predeclared("u32") + '(' + std::string(text_.slice(range.begin, range.end)) + ')');
}

Number Types::product(const Number& a, const Number& b) const {
  if (a.known && b.known) return known(*a.known * *b.known);
  if (a.known == 1) return b;
  return expression(a.in_f32() + " * " + b.in_f32());
}

Number Types::sum(const Number& a, const Number& b) const {
  if (a.known && b.known) return known(*a.known + *b.known);
  if (a.known == 0) return b;
  return expression('(' + a.in_f32() + " + " + b.in_f32() + ')');
}

Number Types::rounded_up(const Number& number, const Number& multiple) const {
  if (number.known && multiple.known) return known(std::ceil(*number.known / *multiple.known) * *multiple.known);
  const std::string unit = multiple.in_f32();
  return expression(predeclared("ceil") + '(' + number.in_f32() + " / (" + unit + ")) * " + unit);
}

Number Types::larger(const Number& a, const Number& b) const {
  if (a.known && b.known) return known(std::max(*a.known, *b.known));
  return expression(predeclared("max") + '(' + a.in_f32() + ", " + b.in_f32() + ')');
}

Number Types::bytes(const Number& count) const {
  if (count.known) return count;
  return expression(predeclared("f32") + '(' + count.text + ')');
}

double Types::scalar_size(Range type) const {
  const Type scalar = resolve(type);
  const std::string_view name = text_.word(scalar.tokens.begin);
  if (scalar.kind == Type::Kind::plain) {
    if (name == "u32" || name == "i32" || name == "f32" || name == "bool") return 4;
    if (name == "f16") return 2;
  }
  throw Unreadable("a type that is not known here: " + std::string(name));
}

/// Of scalars, vectors and matrices: vec3<f32>, vec3f, mat4x3<f16>, mat4x3h.
Layout Types::plain_layout(Range type) const {
  std::string_view name = text_.word(type.begin);
  const auto dimension = [&](std::size_t at) -> double {
    const char digit = at < name.size() ? name[at] : '\0';
    return digit >= '2' && digit <= '4' ? digit - '0' : 0;
  };
  const bool vector = name.starts_with("vec") && dimension(3) > 0;
  const bool matrix = name.starts_with("mat") && dimension(3) > 0 && dimension(5) > 0 && name[4] == 'x';
  if (!vector && !matrix) {
    const double size = scalar_size(type);
    return {known(size), known(size)};
  }
  const double columns = matrix ? dimension(3) : 1, rows = dimension(matrix ? 5 : 3);
  const std::string_view suffix = name.substr(matrix ? 6 : 4);
  const bool list = suffix.empty() && type.end - type.begin > 3;
  if (!list && suffix != "f" && suffix != "i" && suffix != "u" && suffix != "h") {
    throw Unreadable("a type that is not known here: " + std::string(name));
  }
  const double scalar = list ? scalar_size({type.begin + 2, type.begin + 3}) : suffix == "h" ? 2 : 4;
  const double alignment = scalar * (rows == 3 ? 4 : rows);
  return {known(matrix ? columns * alignment : rows * scalar), known(alignment)};
}

Layout Types::layout(const Type& type) {
  const Depth depth(depth_);
  switch (type.kind) {
    case Type::Kind::atomic:
      return {known(4), known(4)};
    case Type::Kind::plain:
      return plain_layout(type.tokens);
    case Type::Kind::structure:
      if (const auto found = layouts_.find(type.structure); found != layouts_.end()) return found->second;
      return layouts_[type.structure] = structure_layout(*type.structure);
    case Type::Kind::array:
      break;
  }
  const Layout element = layout(resolve(type.element));
  return {product(bytes(count(type.count)), rounded_up(element.size, element.alignment)), element.alignment};
}

Layout Types::structure_layout(const Declaration& structure) {
  Layout all{known(0), known(1)};
  for (const Field& field : structure.fields) {
    Layout member = layout(resolve(field.type));
    const auto given = [&](std::string_view name, Number& number) {
      const Attribute* attribute = find(field.attributes, name);
      if (attribute != nullptr && attribute->arguments.size() == 1) number = bytes(count(attribute->arguments[0]));
    };
    given("align", member.alignment);
    given("size", member.size);
    all.size = sum(rounded_up(all.size, member.alignment), member.size);
    all.alignment = larger(all.alignment, member.alignment);
  }
  all.size = rounded_up(all.size, all.alignment);
  return all;
}

}  // namespace dcp::gpu::wgsl
