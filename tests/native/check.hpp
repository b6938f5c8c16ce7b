// The least that a C++ unit test needs: CHECK and CHECK_EQ count failures, the exit status tells.
#pragma once

#include <concepts>
#include <cstdio>
#include <sstream>
#include <string>
#include <type_traits>
#include <utility>

namespace dcp::test {

inline int failures = 0;

inline void check(bool holds, const char* condition, const char* file, int line) {
  if (holds) return;
  ++failures;
  std::fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, condition);
}

template <typename T>
concept Number = std::integral<T> && !std::same_as<T, bool> && !std::same_as<T, char> && !std::same_as<T, wchar_t> &&
                 !std::same_as<T, char8_t> && !std::same_as<T, char16_t> && !std::same_as<T, char32_t>;

template <typename A, typename B>
bool equal(const A& a, const B& b) {
  if constexpr (Number<A> && Number<B>) {
    return std::cmp_equal(a, b);
  } else {
    return a == b;
  }
}

template <typename T>
std::string shown(const T& value) {
  std::ostringstream out;
  if constexpr (std::is_enum_v<T>) {
    out << "enumerator " << +static_cast<std::underlying_type_t<T>>(value);
  } else if constexpr (requires { out << value; }) {
    out << std::boolalpha << value;
  } else if constexpr (requires { value.size(); }) {
    out << "(" << value.size() << " elements)";
  } else {
    out << "(a value that has no text)";
  }
  return out.str();
}

template <typename A, typename B>
void check_equal(const A& a, const B& b, const char* condition, const char* file, int line) {
  if (equal(a, b)) return;
  check(false, condition, file, line);
  std::fprintf(stderr, "  left:  %s\n  right: %s\n", shown(a).c_str(), shown(b).c_str());
}

}  // namespace dcp::test

#define CHECK(condition) ::dcp::test::check(static_cast<bool>(condition), #condition, __FILE__, __LINE__)
/// `a == b`, which has to be whole, prints both where they differ.
#define CHECK_EQ(a, b) ::dcp::test::check_equal(a, b, #a " == " #b, __FILE__, __LINE__)
