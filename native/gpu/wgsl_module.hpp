// The declarations of a WGSL text, and which of them its functions use.
#pragma once

#include <deque>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "gpu/wgsl_tokens.hpp"

namespace dcp::gpu::wgsl {

/// Tokens, from `begin` to in front of `end`.
struct Range {
  std::uint32_t begin = 0, end = 0;
  bool empty() const { return begin == end; }
};

struct Attribute {
  std::string_view name;
  std::vector<Range> arguments;
};

/// A member of a structure or a parameter of a function.
struct Field {
  std::vector<Attribute> attributes;
  std::string_view name;
  Range type;
};

struct Declaration {
  enum class Kind { constant, override_constant, alias, structure, variable, function };
  Kind kind;
  std::string_view name;
  Range tokens;  ///< all of it
  std::vector<Attribute> attributes;
  bool workgroup = false;                ///< a variable of the address space workgroup
  Range type;                            ///< of an alias, a variable or a constant; may be empty
  Range value;                           ///< of a constant
  std::vector<Field> fields;             ///< of a structure; the parameters of a function
  std::uint32_t parameters = 0;          ///< of a function: the token "("
  std::uint32_t body = 0;                ///< of a function: the token "{"
  std::vector<const Declaration*> uses;  ///< of a function: functions and variables, each once
};

const Attribute* find(const std::vector<Attribute>& attributes, std::string_view name);

class Module {
 public:
  explicit Module(std::string_view code);
  Module(const Module&) = delete;
  const Text& text() const { return text_; }
  const std::deque<Declaration>& declarations() const { return declarations_; }
  /// What a name means outside of functions; null: what the language says, or nothing.
  const Declaration* find(std::string_view name) const;

 private:
  Text text_;
  std::deque<Declaration> declarations_;
  std::unordered_map<std::string_view, const Declaration*> names_;
};

}  // namespace dcp::gpu::wgsl
