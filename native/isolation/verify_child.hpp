// Children that try what a layer must refuse, and how their verdicts come back.
#pragma once

#include <functional>
#include <string>

#include "isolation/seal.hpp"

namespace dcp::isolation {

inline constexpr int kCheckMs = 2000;  ///< for one check; it takes a millisecond or two

struct Ended {
  std::string text;
  int status = 0;  ///< of waitpid(2)
};

/// In the child that was `forked`: runs `body`, and what it returns is the text. A body that seals may move the
/// channel. In the parent: waits for both.
Ended run_in(const Forked& forked, const std::function<std::string(int& channel)>& body);

/// Empty where a check found nothing to say and ended well.
Failure outcome(const Ended& ended);

/// Expects a call to fail with `error`.
Failure expect_refusal(const char* what, bool succeeded, int error);

/// A report as text, and back. decode() throws std::runtime_error where there is none.
std::string encode(const Report& report);
Report decode(const Ended& ended);

/// `[{"layer": "...", "in_force": true, "reason": "...", "remedy": "..."}]`; the remedy is empty for what is in force.
std::string to_json(const Report& report);

}  // namespace dcp::isolation
