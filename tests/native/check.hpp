// The least that a C++ unit test needs: CHECK counts failures, the exit status tells.
#pragma once

#include <cstdio>

namespace dcp::test {

inline int failures = 0;

inline void check(bool holds, const char* condition, const char* file, int line) {
  if (holds) return;
  ++failures;
  std::fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, condition);
}

}  // namespace dcp::test

#define CHECK(condition) ::dcp::test::check(static_cast<bool>(condition), #condition, __FILE__, __LINE__)
