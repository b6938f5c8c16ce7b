// How a filter is written and compiled: libseccomp, seccomp(2).
#pragma once

#include <linux/prctl.h>
#include <seccomp.h>

#include <cstdint>
#include <functional>
#include <span>
#include <string>

#include "isolation/seccomp.hpp"

#ifndef PR_SET_VMA
#define PR_SET_VMA 0x53564d41
#endif

namespace dcp::isolation {

/// Adds rules to a filter. Names that the architecture lacks are left out; the first error is kept.
class Rules {
 public:
  explicit Rules(scmp_filter_ctx context) : context_(context) {}

  template <typename... Comparisons>
  void add(std::uint32_t action, const char* name, Comparisons... comparisons) {
    const int number = seccomp_syscall_resolve_name(name);
    if (number == __NR_SCMP_ERROR || error_ != 0) return;
    const int result = seccomp_rule_add(context_, action, number, sizeof...(comparisons), comparisons...);
    // libseccomp answers EDOM for a name that exists on other architectures only.
    if (result != 0 && result != -EDOM) {
      error_ = -result;
      culprit_ = name;
    }
  }

  Failure failure() const {
    return error_ == 0 ? Failure{} : failed(std::string("seccomp rule for ") + culprit_, error_);
  }

 private:
  scmp_filter_ctx context_;
  int error_ = 0;
  const char* culprit_ = "";
};

/// A call that fails with `error`, for what libraries try and can do without.
struct RefusedCall {
  const char* name;
  int error;
};

void refuse(Rules& rules, std::span<const RefusedCall> calls);
/// Allows a call where the argument at `index` has one of the values.
void allow_where(Rules& rules, const char* name, unsigned index, std::span<const int> values);
/// Allows clone() for threads, and refuses it for processes.
void allow_threads(Rules& rules);
/// madvise() but MADV_MERGEABLE, by whose time a process finds out what pages another has.
void refuse_merging(Rules& rules);
/// Limits may be read, not set.
void allow_reading_limits(Rules& rules);

/// Compiles the rules that `add` adds; calls without a rule meet `otherwise`, those of a foreign architecture SIGSYS.
SeccompProgram compile_rules(std::uint32_t otherwise, const std::function<void(Rules&)>& add);

}  // namespace dcp::isolation
