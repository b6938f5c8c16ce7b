// The tokens of a WGSL text, as far as its declarations and blocks need them.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace dcp::gpu::wgsl {

/// A text that cannot be read. Most are no WGSL; then wgpu-native says what is wrong with them.
struct Unreadable : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// An operator is one token for each of its characters.
struct Token {
  static constexpr char kWord = 'w', kNumber = '0', kEnd = '\0';
  static constexpr std::uint32_t kAlone = UINT32_MAX;
  char kind;  ///< one of these, or the character itself
  std::uint32_t begin, size;
  std::uint32_t partner = kAlone;  ///< of a bracket, also of a template list: the token at the other end

  std::uint32_t end() const { return begin + size; }
};

/// A WGSL text with blanks in place of its comments, so that whoever reads it next cannot take them for anything else.
class Text {
 public:
  explicit Text(std::string_view code);
  const std::string& code() const { return code_; }
  /// The last one is the end.
  const std::vector<Token>& tokens() const { return tokens_; }
  const Token& operator[](std::uint32_t index) const { return tokens_[index]; }
  std::string_view word(std::uint32_t index) const { return slice(index, index + 1); }
  bool is_word(std::uint32_t index, std::string_view word) const {
    return tokens_[index].kind == Token::kWord && this->word(index) == word;
  }
  /// What the tokens from `begin` to in front of `end` are in the text.
  std::string_view slice(std::uint32_t begin, std::uint32_t end) const;

 private:
  void blank_comments();
  void split();
  void pair_brackets();

  std::string code_;
  std::vector<Token> tokens_;
};

}  // namespace dcp::gpu::wgsl
