#include "gpu/shader_depth.hpp"

#include <algorithm>
#include <vector>

namespace dcp::gpu {
namespace {

constexpr std::size_t kDeepest = 1000;         // brackets within each other
constexpr std::size_t kMostOperators = 20000;  // of one expression, or nested types
constexpr std::size_t kMostElses = 2000;       // "else if" in a row: naga's time grows with the square
constexpr std::size_t kMostDeclarations = 20000;

class Depth {
 public:
  explicit Depth(std::string_view code) : code_(code) {}

  std::string check() {
    for (at_ = 0; at_ < code_.size() && why_.empty(); ++at_) {
      if (code_[at_] != '/' || !skip_comment()) take(code_[at_]);
    }
    return why_;
  }

 private:
  struct Level {
    std::size_t operators = 0, elses = 0;
  };

  /// True where a comment begins here; then its last character is the current one.
  bool skip_comment() {
    if (code_.substr(at_, 2) == "//") {
      at_ = std::min(code_.find_first_of("\n\r\v\f", at_), code_.size());
      return true;
    }
    if (code_.substr(at_, 2) != "/*") return false;
    std::size_t open = 1;
    for (at_ += 2; at_ < code_.size() && open > 0; ++at_) {
      const std::string_view two = code_.substr(at_, 2);
      if (two == "/*" || two == "*/") {
        open = two == "/*" ? open + 1 : open - 1;
        ++at_;
      }
    }
    --at_;
    return true;
  }

  void take(char c) {
    if (c == ' ' || c == '\n' || c == '\t' || c == '\r') return;
    if (behind_block_) take_behind_block();
    switch (c) {
      case '[':
        count(levels_.back().operators, kMostOperators, "operators in one expression");
        [[fallthrough]];
      case '(':
      case '{':
        levels_.push_back({});
        if (levels_.size() > kDeepest) why_ = "brackets are more than " + std::to_string(kDeepest) + " deep";
        return;
      case '}':
        behind_block_ = true;
        [[fallthrough]];
      case ')':
      case ']':
        if (levels_.size() > 1) levels_.pop_back();
        return;
      case ';':
        if (levels_.size() == 1) count(declarations_, kMostDeclarations, "declarations");
        [[fallthrough]];
      case ',':
        levels_.back().operators = 0;
        return;
      case '+':
      case '-':
      case '*':
      case '/':
      case '%':
      case '&':
      case '|':
      case '^':
      case '!':
      case '~':
      case '=':
      case '<':
      case '>':
      case '.':
        return count(levels_.back().operators, kMostOperators, "operators in one expression");
      default:
        return;
    }
  }

  void take_behind_block() {
    behind_block_ = false;
    Level& level = levels_.back();
    if (levels_.size() == 1) count(declarations_, kMostDeclarations, "declarations");
    level.operators = 0;
    if (code_.substr(at_, 4) != "else") {
      level.elses = 0;
    } else {
      count(level.elses, kMostElses, "else in a row");
    }
  }

  void count(std::size_t& counter, std::size_t most, const char* what) {
    if (++counter > most) why_ = "more than " + std::to_string(most) + " " + what;
  }

  const std::string_view code_;
  std::size_t at_ = 0;
  std::vector<Level> levels_ = std::vector<Level>(1);
  std::size_t declarations_ = 0;
  bool behind_block_ = false;
  std::string why_;
};

}  // namespace

std::string too_deep(std::string_view code) { return Depth(code).check(); }

}  // namespace dcp::gpu
