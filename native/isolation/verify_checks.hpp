// What a sealed child tries, layer by layer, and the checks that are the same for sandboxes and GPU hosts.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include "isolation/verify_child.hpp"

namespace dcp::isolation {

/// `Sealed`: what the child was sealed with.
template <typename Sealed>
struct Check {
  Layer layer;
  LayerSet skip;                      ///< layers that would refuse the same before
  Failure (*attempt)(const Sealed&);  ///< what the child finds; empty: the layer holds
  const char* tried;                  ///< what a layer in force has refused
};

Failure try_user();
Failure try_score();
Failure try_capabilities();
Failure try_no_new_privs();
Failure try_dumpable();

/// Part of the check of rlimits: `fd` is one that is open.
Failure try_descriptor_limit(int fd, unsigned most);

/// One call that a filter refuses.
struct RefusedAttempt {
  const char* what;
  bool (*succeeds)();
};

/// The filter refuses `attempts`, and ends a process that calls ptrace(2): for a child, and for what has come of it.
Failure try_seccomp(std::span<const RefusedAttempt> attempts = {});
bool was_killed_by_filter(const Ended& ended);
inline constexpr const char* kSeccompTried = "ptrace ends the process";

/// An attempt for which it does not matter what the child was sealed with.
template <Failure (*attempt)(), typename Sealed>
Failure of_any(const Sealed&) {
  return attempt();
}

template <typename Sealed>
inline constexpr Check<Sealed> kSharedChecks[] = {
    {Layer::unprivileged_user, {Layer::seccomp}, of_any<try_user>, "becoming root is refused"},
    {Layer::out_of_memory_score,
     {Layer::empty_root, Layer::own_root, Layer::landlock, Layer::seccomp},
     of_any<try_score>,
     "the kernel ends it before others"},
    {Layer::capabilities, {Layer::seccomp}, of_any<try_capabilities>, "no capability; chroot is refused"},
    {Layer::no_new_privs, {Layer::seccomp}, of_any<try_no_new_privs>, "set"},
    {Layer::dumpable, {Layer::seccomp}, of_any<try_dumpable>, "cleared"},
};

/// The check of a layer, of `own` or of the shared ones; null where there is none.
template <typename Sealed, std::size_t count>
const Check<Sealed>* find_check(const Check<Sealed> (&own)[count], Layer layer) {
  for (const auto& check : own) {
    if (check.layer == layer) return &check;
  }
  for (const auto& check : kSharedChecks<Sealed>) {
    if (check.layer == layer) return &check;
  }
  return nullptr;
}

}  // namespace dcp::isolation
