#include "gpu/wgsl_module.hpp"

#include <algorithm>
#include <string>
#include <unordered_set>
#include <utility>

namespace dcp::gpu::wgsl {
namespace {

/// Reads declarations one by one.
class Reader {
 public:
  explicit Reader(const Text& text) : text_(text) {}

  /// False at the end.
  bool read(Declaration& out) {
    while (skip_directive()) continue;
    if (kind() == Token::kEnd) return false;
    out.tokens.begin = at_;
    out.attributes = attributes();
    read_rest(out);
    out.tokens.end = at_;
    return true;
  }

 private:
  void read_rest(Declaration& out) {
    const std::string_view keyword = word();
    if (keyword == "const" || keyword == "override") {
      out.kind = keyword == "const" ? Declaration::Kind::constant : Declaration::Kind::override_constant;
      read_value(out);
    } else if (keyword == "var") {
      out.kind = Declaration::Kind::variable;
      read_variable(out);
    } else if (keyword == "alias") {
      out.kind = Declaration::Kind::alias;
      out.name = word();
      expect('=');
      out.type = type();
      expect(';');
    } else if (keyword == "struct") {
      out.kind = Declaration::Kind::structure;
      out.name = word();
      out.fields = fields('{');
    } else if (keyword == "fn") {
      out.kind = Declaration::Kind::function;
      read_function(out);
    } else {
      throw Unreadable("a declaration that begins with \"" + std::string(keyword) + '"');
    }
  }

  char kind() const { return text_[at_].kind; }
  bool take(char kind) {
    if (this->kind() != kind || kind == Token::kEnd) return false;
    ++at_;
    return true;
  }
  void expect(char kind) {
    if (!take(kind)) throw Unreadable(std::string("\"") + kind + "\" is missing");
  }
  std::string_view word() {
    if (kind() != Token::kWord) throw Unreadable("a name is missing");
    return text_.word(at_++);
  }
  /// Behind this token, or behind its partner.
  void step() {
    if (kind() == Token::kEnd) throw Unreadable("the end is missing");
    const std::uint32_t partner = text_[at_].partner;
    at_ = (partner == Token::kAlone ? at_ : std::max(at_, partner)) + 1;
  }
  Range until(char kind) {
    const std::uint32_t begin = at_;
    while (this->kind() != kind) step();
    return {begin, at_};
  }

  bool skip_directive() {
    if (take(';')) return true;
    for (const std::string_view name : {"enable", "requires", "diagnostic", "const_assert"}) {
      if (!text_.is_word(at_, name)) continue;
      until(';');
      return true;
    }
    return false;
  }

  std::vector<Attribute> attributes() {
    std::vector<Attribute> found;
    while (take('@')) {
      found.push_back({word(), {}});
      if (kind() == '(') found.back().arguments = list(')');
    }
    return found;
  }

  /// What stands between brackets, from the opening one on, split at its commas.
  std::vector<Range> list(char closing) {
    const std::uint32_t end = text_[at_].partner;
    ++at_;
    std::vector<Range> found;
    while (at_ < end) {
      const std::uint32_t begin = at_;
      while (at_ < end && kind() != ',') step();
      found.push_back({begin, at_});
      if (at_ < end) ++at_;
    }
    expect(closing);
    return found;
  }

  Range type() {
    const std::uint32_t begin = at_;
    word();
    if (kind() == '<') {
      if (text_[at_].partner == Token::kAlone) throw Unreadable("a template list that does not end");
      step();
    }
    return {begin, at_};
  }

  std::vector<Field> fields(char opening) {
    const std::uint32_t end = text_[at_].partner;
    expect(opening);
    std::vector<Field> found;
    while (at_ < end) {
      Field& field = found.emplace_back();
      field.attributes = attributes();
      field.name = word();
      expect(':');
      field.type = type();
      if (at_ < end) expect(',');
    }
    if (at_ != end) throw Unreadable("a list that does not end");
    ++at_;
    return found;
  }

  void read_value(Declaration& out) {
    out.name = word();
    if (take(':')) out.type = type();
    if (take('=')) out.value = until(';');
    expect(';');
  }

  void read_variable(Declaration& out) {
    if (kind() == '<') {
      if (text_[at_].partner == Token::kAlone) throw Unreadable("a template list that does not end");
      out.workgroup = text_.is_word(at_ + 1, "workgroup");
      step();
    }
    read_value(out);
  }

  void read_function(Declaration& out) {
    out.name = word();
    out.parameters = at_;
    out.fields = fields('(');
    until('{');
    out.body = at_;
    step();
  }

  const Text& text_;
  std::uint32_t at_ = 0;
};

/// The names in a function that mean declarations of the module.
class Names {
 public:
  using Declared = std::unordered_map<std::string_view, const Declaration*>;
  Names(const Text& text, const Declared& declared) : text_(text), declared_(declared) {}

  std::vector<const Declaration*> of(const Declaration& function) {
    begin_scope(false);
    for (const Field& parameter : function.fields) hide(parameter.name);
    const std::uint32_t end = text_[function.body].partner;
    for (at_ = function.body; at_ <= end; ++at_) take();
    return std::move(found_);
  }

 private:
  struct Scope {
    bool of_loop;  ///< of the head of a "for", which ends behind the loop's block
    std::vector<std::string_view> names;
  };

  void begin_scope(bool of_loop) { scopes_.push_back({of_loop, {}}); }
  void end_scope() {
    for (const std::string_view name : scopes_.back().names) --hidden_[name];
    scopes_.pop_back();
  }
  void hide(std::string_view name) {
    if (!declared_.contains(name)) return;
    ++hidden_[name];
    scopes_.back().names.push_back(name);
  }

  void take() {
    switch (text_[at_].kind) {
      case '{':
        return begin_scope(false);
      case '}':
        end_scope();
        if (scopes_.back().of_loop) end_scope();
        return;
      case ';':  // a name means its declaration from the next statement on
        if (!declared_name_.empty()) hide(std::exchange(declared_name_, {}));
        return;
      case '@':
        return skip_attribute();
      case '.':
        if (text_[at_ + 1].kind == Token::kWord) ++at_;
        return;
      case Token::kWord:
        return take_word();
      default:
        return;
    }
  }

  void skip_attribute() {
    if (text_[at_ + 1].kind != Token::kWord) throw Unreadable("an attribute without a name");
    const std::string_view name = text_.word(++at_);
    if (name != "builtin" && name != "interpolate" && name != "diagnostic") return;
    if (text_[at_ + 1].kind == '(') at_ = text_[at_ + 1].partner;
  }

  void take_word() {
    const std::string_view word = text_.word(at_);
    if (word == "for") return begin_scope(true);
    if (word == "let" || word == "var" || word == "const") return take_declaration();
    const auto declared = declared_.find(word);
    if (declared == declared_.end() || hidden_[word] > 0) return;
    const Declaration* found = declared->second;
    using Kind = Declaration::Kind;
    if (found->kind != Kind::function && found->kind != Kind::variable) return;
    if (seen_.insert(found).second) found_.push_back(found);
  }

  void take_declaration() {
    std::uint32_t name = at_ + 1;
    if (text_[name].kind == '<' && text_[name].partner != Token::kAlone) name = text_[name].partner + 1;
    if (text_[name].kind != Token::kWord) throw Unreadable("a name is missing");
    declared_name_ = text_.word(name);
    at_ = name;
  }

  const Text& text_;
  const Declared& declared_;
  std::uint32_t at_ = 0;
  std::string_view declared_name_;  ///< by the statement at hand
  std::vector<Scope> scopes_;
  std::unordered_map<std::string_view, int> hidden_;
  std::unordered_set<const Declaration*> seen_;
  std::vector<const Declaration*> found_;
};

/// Refuses what would not be found: "workgroup" behind a "<" that is not of a variable outside of functions, nor of a
/// pointer's type.
void check_address_spaces(const Text& text, std::size_t variables) {
  std::size_t found = 0;
  for (std::uint32_t at = 2; at < text.tokens().size(); ++at) {
    if (!text.is_word(at, "workgroup") || text[at - 1].kind != '<' || text.is_word(at - 2, "ptr")) continue;
    ++found;
  }
  if (found != variables) throw Unreadable("\"<workgroup\" in a place where no workgroup variable can be");
}

}  // namespace

const Attribute* find(const std::vector<Attribute>& attributes, std::string_view name) {
  const auto found = std::ranges::find(attributes, name, &Attribute::name);
  return found == attributes.end() ? nullptr : &*found;
}

Module::Module(std::string_view code) : text_(code) {
  Reader reader(text_);
  std::size_t variables = 0;
  for (Declaration declaration{}; reader.read(declaration); declaration = {}) {
    variables += declaration.workgroup;
    const Declaration& kept = declarations_.emplace_back(std::move(declaration));
    if (!names_.emplace(kept.name, &kept).second) throw Unreadable("two declarations of " + std::string(kept.name));
  }
  check_address_spaces(text_, variables);
  for (Declaration& declaration : declarations_) {
    if (declaration.kind == Declaration::Kind::function) declaration.uses = Names(text_, names_).of(declaration);
  }
}

const Declaration* Module::find(std::string_view name) const {
  const auto found = names_.find(name);
  return found == names_.end() ? nullptr : found->second;
}

}  // namespace dcp::gpu::wgsl
