// Types of WGSL as their declarations say, and the bytes that they take.
#pragma once

#include <optional>
#include <string>
#include <unordered_map>

#include "gpu/wgsl_module.hpp"

namespace dcp::gpu::wgsl {

/// A number of the text: what it is, or, where only wgpu-native knows, an expression for it: of type u32 for a number
/// of elements, of type f32 for a number of bytes. There nothing overflows, and up to 16 MiB it is exact.
struct Number {
  std::optional<double> known;
  std::string text;

  std::string in_u32() const;
  std::string in_f32() const;
};

struct Layout {
  Number size, alignment;
};

struct Type {
  enum class Kind { plain, atomic, array, structure };
  Kind kind;
  Range tokens;
  const Declaration* structure;
  Range element;  ///< of an array
  Range count;
};

class Types {
 public:
  explicit Types(const Module& module) : module_(module), text_(module.text()) {}
  Type resolve(Range type) const;
  /// Whether T() may be assigned to it and has few parts: it has neither atomics nor arrays.
  bool is_plain(const Type& type);
  /// The specification's "Alignment and Size".
  Layout layout(const Type& type);
  /// Of elements.
  Number count(Range expression) const;
  Number product(const Number& a, const Number& b) const;
  Number sum(const Number& a, const Number& b) const;
  Number rounded_up(const Number& number, const Number& multiple) const;
  /// A name of the language; not where the module gives it another meaning.
  std::string predeclared(std::string_view name) const;

 private:
  Type resolve_word(Range type) const;
  double scalar_size(Range type) const;
  Layout plain_layout(Range type) const;
  Layout structure_layout(const Declaration& structure);
  Number larger(const Number& a, const Number& b) const;
  Number bytes(const Number& count) const;

  const Module& module_;
  const Text& text_;
  std::unordered_map<const Declaration*, bool> plain_;
  std::unordered_map<const Declaration*, Layout> layouts_;
  int depth_ = 0;
};

}  // namespace dcp::gpu::wgsl
