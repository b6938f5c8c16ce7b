#include "gpu/wgsl_tokens.hpp"

#include <algorithm>
#include <cstring>

namespace dcp::gpu::wgsl {
namespace {

constexpr std::size_t kLongestText = std::size_t{1} << 24;

bool is_digit(char byte) { return byte >= '0' && byte <= '9'; }
bool is_letter(char byte) { return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || byte == '_'; }

/// The blanks that are no ASCII: U+0085, U+200E, U+200F, U+2028, U+2029. The bytes of the one at the beginning, or 0.
std::size_t other_blank(std::string_view text) {
  if (text.starts_with("\xC2\x85")) return 2;
  for (const char* blank : {"\xE2\x80\x8E", "\xE2\x80\x8F", "\xE2\x80\xA8", "\xE2\x80\xA9"}) {
    if (text.starts_with(blank)) return 3;
  }
  return 0;
}

bool ends_line(std::string_view text) {
  if (text[0] >= '\n' && text[0] <= '\r') return true;
  return text.starts_with("\xC2\x85") || text.starts_with("\xE2\x80\xA8") || text.starts_with("\xE2\x80\xA9");
}

std::size_t line_comment_size(std::string_view text) {
  std::size_t at = 2;
  while (at < text.size() && !ends_line(text.substr(at))) ++at;
  return at;
}

std::size_t block_comment_size(std::string_view text) {
  std::size_t at = 2;
  for (int depth = 1; depth > 0;) {
    const std::string_view rest = text.substr(at);
    if (rest.size() < 2) throw Unreadable("a comment does not end");
    const bool opens = rest.starts_with("/*"), closes = rest.starts_with("*/");
    depth += opens - closes;
    at += opens || closes ? 2 : 1;
  }
  return at;
}

std::size_t number_size(std::string_view text) {
  const bool hexadecimal = text.starts_with("0x") || text.starts_with("0X");
  std::size_t at = 1;
  for (; at < text.size(); ++at) {
    const char byte = text[at];
    const char before = static_cast<char>(text[at - 1] | 0x20);
    const bool sign = (byte == '+' || byte == '-') && before == (hexadecimal ? 'p' : 'e');
    if (!is_digit(byte) && !is_letter(byte) && byte != '.' && !sign) break;
  }
  return at;
}

std::size_t word_size(std::string_view text) {
  std::size_t at = 0;
  while (at < text.size() && (is_letter(text[at]) || is_digit(text[at]) || static_cast<signed char>(text[at]) < 0) &&
         other_blank(text.substr(at)) == 0) {
    ++at;
  }
  return at;
}

}  // namespace

Text::Text(std::string_view code) : code_(code) {
  if (code.size() > kLongestText) throw Unreadable("a text of more than 16 MiB");
  blank_comments();
  split();
  pair_brackets();
}

std::string_view Text::slice(std::uint32_t begin, std::uint32_t end) const {
  if (begin >= end) return {};
  const std::uint32_t first = tokens_[begin].begin;
  return std::string_view(code_).substr(first, tokens_[end - 1].end() - first);
}

void Text::blank_comments() {
  const std::string_view text = code_;
  for (std::size_t at = text.find('/'); at != std::string_view::npos; at = text.find('/', at)) {
    const std::string_view rest = text.substr(at);
    const std::size_t size = rest.starts_with("//")   ? line_comment_size(rest)
                             : rest.starts_with("/*") ? block_comment_size(rest)
                                                      : 0;
    std::ranges::replace_if(
        code_.begin() + static_cast<std::ptrdiff_t>(at), code_.begin() + static_cast<std::ptrdiff_t>(at + size),
        [](char byte) { return byte != '\n'; }, ' ');
    at += std::max<std::size_t>(size, 1);
  }
}

void Text::split() {
  const std::string_view text = code_;
  for (std::size_t at = 0; at < text.size();) {
    const std::string_view rest = text.substr(at);
    const char first = rest[0];
    std::size_t size = other_blank(rest);
    if (first == ' ' || (first >= '\t' && first <= '\r')) size = 1;
    if (size != 0) {
      at += size;
      continue;
    }
    char kind = first;
    if (is_digit(first) || (first == '.' && rest.size() > 1 && is_digit(rest[1]))) {
      kind = Token::kNumber;
      size = number_size(rest);
    } else if (is_letter(first) || static_cast<signed char>(first) < 0) {
      kind = Token::kWord;
      size = word_size(rest);
    } else {
      if (first == '\0') throw Unreadable("a null character");
      size = 1;
    }
    tokens_.push_back({kind, static_cast<std::uint32_t>(at), static_cast<std::uint32_t>(size)});
    at += size;
  }
  tokens_.push_back({Token::kEnd, static_cast<std::uint32_t>(text.size()), 0});
}

namespace {

/// Brackets by nesting, and template lists as the specification finds them ("Template Lists").
class Pairing {
 public:
  Pairing(const Text& text, std::vector<Token>& tokens) : text_(text), tokens_(tokens) {}

  void run() {
    for (std::uint32_t at = 0; tokens_[at].kind != Token::kEnd;) at += take(at);
    if (!open_.empty()) throw Unreadable("a bracket that nothing closes");
  }

 private:
  struct Candidate {
    std::uint32_t token;
    std::size_t depth;
  };

  bool followed_by(std::uint32_t at, char kind) const {
    return tokens_[at + 1].kind == kind && tokens_[at + 1].begin == tokens_[at].end();
  }
  void pair(std::uint32_t first, std::uint32_t second) {
    tokens_[first].partner = second;
    tokens_[second].partner = first;
  }
  void forget(std::size_t depth) {
    while (!candidates_.empty() && candidates_.back().depth >= depth) candidates_.pop_back();
  }
  void forget_all() {
    candidates_.clear();
    depth_ = 0;
  }
  bool may_hold_statements(std::uint32_t bracket) const {
    return tokens_[bracket].kind == '{' || (bracket > 0 && text_.is_word(bracket - 1, "for"));
  }
  void close(std::uint32_t at, char opening) {
    if (open_.empty() || tokens_[open_.back()].kind != opening) throw Unreadable("a bracket that nothing opens");
    pair(open_.back(), at);
    open_.pop_back();
  }

  /// The number of tokens that are taken.
  std::uint32_t take(std::uint32_t at) {
    switch (tokens_[at].kind) {
      case Token::kWord:
        if (tokens_[at + 1].kind != '<') return 1;
        if (followed_by(at + 1, '<') || followed_by(at + 1, '=')) return 3;
        candidates_.push_back({at + 1, depth_});
        return 2;
      case '>':
        if (!candidates_.empty() && candidates_.back().depth == depth_) {
          pair(candidates_.back().token, at);
          candidates_.pop_back();
          return 1;
        }
        return followed_by(at, '=') ? 2 : 1;
      case '(':
      case '[':
        open_.push_back(at);
        ++depth_;
        return 1;
      case ')':
      case ']':
        close(at, tokens_[at].kind == ')' ? '(' : '[');
        forget(depth_);
        if (depth_ > 0) --depth_;
        return 1;
      case '{':
        if (!open_.empty() && tokens_[open_.back()].kind != '{') throw Unreadable("a block in an expression");
        open_.push_back(at);
        forget_all();
        return 1;
      case '}':
        close(at, '{');
        return 1;
      case ';':
        if (!open_.empty() && !may_hold_statements(open_.back())) throw Unreadable("a statement in an expression");
        [[fallthrough]];
      case ':':
        forget_all();
        return 1;
      case '!':
        return followed_by(at, '=') ? 2 : 1;
      case '=':
        if (followed_by(at, '=')) return 2;
        forget_all();
        return 1;
      case '&':
      case '|':
        if (!followed_by(at, tokens_[at].kind)) return 1;
        forget(depth_);
        return 2;
      default:
        return 1;
    }
  }

  const Text& text_;
  std::vector<Token>& tokens_;
  std::vector<std::uint32_t> open_;
  std::vector<Candidate> candidates_;
  std::size_t depth_ = 0;
};

}  // namespace

void Text::pair_brackets() { Pairing(*this, tokens_).run(); }

}  // namespace dcp::gpu::wgsl
