#include "gpu/workgroup_memory.hpp"

#include <algorithm>
#include <deque>
#include <unordered_set>
#include <utility>
#include <vector>

#include "gpu/wgsl_types.hpp"

namespace dcp::gpu {
namespace {

using wgsl::Declaration;
using wgsl::Module;
using wgsl::Number;
using wgsl::Range;
using wgsl::Token;
using wgsl::Type;
using wgsl::Types;
using wgsl::Unreadable;

constexpr std::string_view kIndex = "local_invocation_index";
constexpr std::size_t kLongestAddition = std::size_t{1} << 20;

/// Names that the text does not have.
class FreshNames {
 public:
  explicit FreshNames(const wgsl::Text& text) {
    for (std::uint32_t at = 0; at < text.tokens().size(); ++at) {
      if (text[at].kind == Token::kWord) taken_.insert(text.word(at));
    }
  }
  std::string next() {
    std::string name;
    do name = "zero" + std::to_string(count_++);
    while (taken_.contains(name));
    return name;
  }

 private:
  std::unordered_set<std::string_view> taken_;
  std::size_t count_ = 0;
};

std::string product(const std::vector<Number>& numbers, std::size_t begin) {
  Number known{1, {}};
  std::string text;
  for (std::size_t i = begin; i < numbers.size(); ++i) {
    if (numbers[i].known) {
      *known.known *= *numbers[i].known;
    } else {
      text += (text.empty() ? "" : " * ") + numbers[i].text;
    }
  }
  if (text.empty() || known.known != 1) text += (text.empty() ? "" : " * ") + known.in_u32();
  return text;
}

std::optional<double> known_product(const std::vector<Number>& numbers) {
  double value = 1;
  for (const Number& number : numbers) {
    if (!number.known) return std::nullopt;
    value *= *number.known;
  }
  return value;
}

/// Statements that set variables to zero, shared by the invocations of a workgroup of `size`.
class Zeros {
 public:
  Zeros(const wgsl::Text& text, Types& types, std::vector<Number> size, std::string invocation, std::string item)
      : text_(text),
        types_(types),
        size_(std::move(size)),
        invocation_(std::move(invocation)),
        item_(std::move(item)) {}

  void add(const Declaration& variable) {
    pieces_ = {std::string(variable.name)};
    expand(types_.resolve(variable.type));
  }
  std::string statements() const {
    return (once_.empty() ? "" : "if (" + invocation_ + " == 0u) { " + once_ + "} ") + shared_;
  }

 private:
  /// `pieces_` and, between them, an index for each of `counts_` is a place of that type.
  void expand(const Type& type) {
    if (type.kind == Type::Kind::array) {
      counts_.push_back(types_.count(type.count));
      pieces_.emplace_back();
      expand(types_.resolve(type.element));
      pieces_.pop_back();
      counts_.pop_back();
    } else if (type.kind == Type::Kind::atomic) {
      store(types_.predeclared("atomicStore") + "(&", ", 0);");
    } else if (types_.is_plain(type)) {
      store("", " = " + std::string(text_.slice(type.tokens.begin, type.tokens.end)) + "();");
    } else {
      for (const wgsl::Field& member : type.structure->fields) {
        const std::size_t size = pieces_.back().size();
        pieces_.back() += '.' + std::string(member.name);
        expand(types_.resolve(member.type));
        pieces_.back().resize(size);
      }
    }
    if (once_.size() + shared_.size() > kLongestAddition) throw Unreadable("they have too many parts");
  }

  void store(const std::string& before, const std::string& behind) {
    const std::string statement = before + place() + behind + ' ';
    if (counts_.empty()) {
      once_ += statement;
    } else {
      shared_ += each_item(statement);
    }
  }

  std::string place() const {
    std::string place = pieces_[0];
    for (std::size_t i = 0; i < counts_.size(); ++i) {
      std::string index = item_;
      if (i + 1 < counts_.size()) index += " / (" + product(counts_, i + 1) + ')';
      if (i > 0) index = '(' + index + ") % " + counts_[i].in_u32();
      place += '[' + index + ']' + pieces_[i + 1];
    }
    return place;
  }

  /// The statement for each item of the arrays at hand: a loop only where there are more than invocations.
  std::string each_item(const std::string& statement) const {
    const std::string count = product(counts_, 0);
    const auto items = known_product(counts_), invocations = known_product(size_);
    const std::string first = item_ + " = " + invocation_;
    if (items && invocations && *items <= *invocations) {
      return "if (" + invocation_ + " < " + count + ") { let " + first + "; " + statement + "} ";
    }
    return "for (var " + first + "; " + item_ + " < " + count + "; " + item_ + " += " + product(size_, 0) + ") { " +
           statement + "} ";
  }

  const wgsl::Text& text_;
  Types& types_;
  const std::vector<Number> size_;
  const std::string invocation_, item_;
  std::vector<std::string> pieces_;
  std::vector<Number> counts_;
  std::string once_, shared_;
};

class Zeroing {
 public:
  Zeroing(std::string_view code, std::uint32_t limit)
      : module_(code), text_(module_.text()), types_(module_), names_(text_), limit_(limit) {}

  ZeroingShader run() {
    std::size_t entry_points = 0;
    for (const Declaration& declaration : module_.declarations()) {
      if (declaration.kind == Declaration::Kind::override_constant) hoist(declaration);
      if (declaration.kind != Declaration::Kind::function) continue;
      if (find(declaration.attributes, "compute") == nullptr) continue;
      ++entry_points;
      const std::vector<const Declaration*> variables = reached(declaration);
      if (!variables.empty()) begin_with_zeros(declaration, variables);
    }
    // It need not be named.
    if (entry_points == 1 && !found_.too_large.empty()) found_.too_large.emplace("", found_.too_large.begin()->second);
    if (functions_.empty()) edits_.clear();
    write();
    return std::move(found_);
  }

 private:
  static std::vector<const Declaration*> reached(const Declaration& entry_point) {
    std::vector<const Declaration*> found, pending{&entry_point};
    std::unordered_set<const Declaration*> seen{&entry_point};
    while (!pending.empty()) {
      const Declaration* function = pending.back();
      pending.pop_back();
      for (const Declaration* used : function->uses) {
        if (!seen.insert(used).second) continue;
        if (used->kind == Declaration::Kind::function) pending.push_back(used);
        if (used->workgroup) found.push_back(used);
      }
    }
    return found;
  }

  void begin_with_zeros(const Declaration& entry_point, const std::vector<const Declaration*>& variables) {
    const Number size = bytes(variables);
    if (size.known && *size.known > limit_) {
      found_.too_large.emplace(entry_point.name, static_cast<std::uint64_t>(std::min(*size.known, 1e18)));
      return;  // no pipeline has it
    }
    const std::string function = names_.next(), invocation = names_.next();
    const std::string index = invocation_index(entry_point);
    if (index.empty()) {
      const bool more = !entry_point.fields.empty();
      insert(entry_point.parameters, "@builtin(" + std::string(kIndex) + ") " + invocation + ": " +
                                         types_.predeclared("u32") + (more ? ", " : ""));
    }
    insert(entry_point.body, ' ' + function + '(' + (index.empty() ? invocation : index) + ");");
    Zeros zeros(text_, types_, workgroup_size(entry_point), invocation, names_.next());
    for (const Declaration* variable : variables) zeros.add(*variable);
    functions_ += "\nfn " + function + '(' + invocation + ": " + types_.predeclared("u32") + ") { " + size_check(size) +
                  zeros.statements() + types_.predeclared("workgroupBarrier") + "(); }";
    if (functions_.size() > kLongestAddition) throw Unreadable("they have too many parts");
  }

  Number bytes(const std::vector<const Declaration*>& variables) {
    Number sum{0, {}};
    for (const Declaration* variable : variables) {
      sum = types_.sum(sum, types_.rounded_up(types_.layout(types_.resolve(variable->type)).size, {16, {}}));
    }
    return sum;
  }

  /// Fails when the pipeline is made, and not before: a product with an override is known then.
  std::string size_check(const Number& bytes) {
    if (bytes.known) return "";
    if (!found_.checks_size) {
      override_ = names_.next();
      overrides_ += "override " + override_ + ": " + types_.predeclared("f32") + " = 0.0; ";
      found_.checks_size = true;
    }
    return "_ = " + types_.predeclared("clamp") + "(0.0, " + bytes.text + " + 0.0 * " + override_ + ", " +
           Number{limit_, {}}.in_f32() + "); ";
  }

  std::vector<Number> workgroup_size(const Declaration& entry_point) const {
    std::vector<Number> size;
    if (const auto* attribute = find(entry_point.attributes, "workgroup_size"); attribute != nullptr) {
      for (const Range argument : attribute->arguments) size.push_back(types_.count(argument));
    }
    return size;
  }

  static bool is_index(const wgsl::Text& text, const wgsl::Field& field) {
    const auto* builtin = find(field.attributes, "builtin");
    return builtin != nullptr && builtin->arguments.size() == 1 && text.is_word(builtin->arguments[0].begin, kIndex);
  }

  /// How the entry point names the index of the invocation, if it has it.
  std::string invocation_index(const Declaration& entry_point) const {
    for (const wgsl::Field& parameter : entry_point.fields) {
      if (is_index(text_, parameter)) return std::string(parameter.name);
      if (!parameter.attributes.empty()) continue;
      const Type type = types_.resolve(parameter.type);
      if (type.kind != Type::Kind::structure) continue;
      for (const wgsl::Field& member : type.structure->fields) {
        if (is_index(text_, member)) return std::string(parameter.name) + '.' + std::string(member.name);
      }
    }
    return "";
  }

  /// naga panics where an override is read that stands behind an array of a size like N + 1, so they come first.
  void hoist(const Declaration& declaration) {
    const std::string_view text = text_.slice(declaration.tokens.begin, declaration.tokens.end);
    overrides_ += std::string(text) + ' ';
    std::ranges::replace(overrides_, '\n', ' ');
    const std::uint32_t begin = text_[declaration.tokens.begin].begin;
    edits_.push_back({begin, static_cast<std::uint32_t>(begin + text.size()), ""});
  }

  /// Behind a token.
  void insert(std::uint32_t token, std::string addition) {
    edits_.push_back({text_[token].end(), text_[token].end(), std::move(addition)});
  }

  void write() {
    const std::string_view text = text_.code();
    const std::uint32_t front =
        module_.declarations().empty() ? 0 : text_[module_.declarations()[0].tokens.begin].begin;
    std::uint32_t taken = front;
    found_.code = text.substr(0, front);
    if (!functions_.empty()) found_.code += overrides_;
    for (const Edit& edit : edits_) {
      found_.code.append(text.substr(taken, edit.begin - taken)).append(edit.text);
      const std::string_view left_out = text.substr(edit.begin, edit.end - edit.begin);
      found_.code.append(static_cast<std::size_t>(std::ranges::count(left_out, '\n')), '\n');
      taken = edit.end;
    }
    found_.code.append(text.substr(taken)).append(functions_);
  }

  struct Edit {
    std::uint32_t begin, end;  ///< bytes
    std::string text;
  };

  const Module module_;
  const wgsl::Text& text_;
  Types types_;
  FreshNames names_;
  const std::uint32_t limit_;
  std::vector<Edit> edits_;
  std::string overrides_, functions_;  ///< that come before and behind all others
  std::string override_;               ///< of the size check
  ZeroingShader found_;
};

bool is_name_part(char byte) {
  return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || (byte >= '0' && byte <= '9') || byte == '_';
}

}  // namespace

bool mentions_workgroup_variables(std::string_view code) {
  constexpr std::string_view name = "workgroup";
  for (std::size_t at = code.find(name); at != std::string_view::npos; at = code.find(name, at + 1)) {
    const bool begins = at == 0 || !is_name_part(code[at - 1]);
    const bool ends = at + name.size() == code.size() || !is_name_part(code[at + name.size()]);
    if (begins && ends) return true;
  }
  return false;
}

ZeroingShader zero_workgroup_memory(std::string_view code, std::uint32_t limit) {
  try {
    return Zeroing(code, limit).run();
  } catch (const Unreadable& error) {
    ZeroingShader refused;
    refused.refusal = error.what();
    return refused;
  }
}

}  // namespace dcp::gpu
