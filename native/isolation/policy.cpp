#include "isolation/policy.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace dcp::isolation {
namespace {

// Every kernel that the project supports has them, in every container.
constexpr std::array<std::string_view, 5> kEssential = {"descriptors", "rlimits", "capabilities", "no_new_privs",
                                                        "parent-death signal"};
// What root could do outside is more than what another user could, so one layer is not enough.
constexpr std::array<std::string_view, 4> kForRoot = {"unprivileged user", "pid namespace", "network namespace",
                                                      "mount namespace"};

struct Either {
  const char* what;
  std::array<std::string_view, 3> layers;
};
constexpr Either kOneOf[] = {{"files", {"empty root", "own root", "landlock"}},
                             {"the network", {"network namespace", "seccomp", ""}}};

constexpr std::pair<std::string_view, std::string_view> kRemedies[] = {
    {"user namespace",
     "allow user namespaces: sysctl user.max_user_namespaces=16384, kernel.unprivileged_userns_clone=1 (Debian), "
     "kernel.apparmor_restrict_unprivileged_userns=0 (Ubuntu); in a container, a seccomp profile that allows them"},
    {"landlock", "a kernel of 5.13 or newer with landlock among its security modules (boot parameter lsm=)"},
    {"seccomp", "a kernel with CONFIG_SECCOMP_FILTER, and libseccomp"},
    {"empty root", "a mount namespace"},
    {"own root", "a mount namespace, and Linux 5.12 or newer"},
    {"host name", "a uts namespace"},
    {"unprivileged user", "give root CAP_SETUID and CAP_SETGID"},
    {"rlimits", "mount /proc where the evaluator runs"},
    {"out-of-memory score", "mount /proc, writable, where the evaluator runs"},
    {"threads", "a user namespace and Linux 5.14 or newer"},
};
constexpr std::string_view kUserNamespace = "user namespace";

std::string because(const Report& report, std::string_view name) {
  std::string text(name);
  for (const Layer& layer : report) {
    if (layer.name == name && !layer.reason.empty()) text += " (" + layer.reason + ")";
  }
  return text;
}

/// A layer that a report does not have is no layer of that process.
bool missing(const Report& report, std::string_view name) {
  return std::any_of(report.begin(), report.end(),
                     [name](const Layer& layer) { return !layer.in_force && layer.name == name; });
}

std::string advice(std::string_view name, std::string_view otherwise) {
  const std::string_view known = remedy(name);
  return (known.empty() ? std::string() : "; remedy: " + std::string(known)) + "; or " + std::string(otherwise);
}

}  // namespace

std::optional<Policy> parse_policy(std::string_view text) {
  for (const Policy policy : {Policy::none, Policy::standard, Policy::strict}) {
    if (text == policy_name(policy)) return policy;
  }
  return {};
}

std::string_view policy_name(Policy policy) {
  return policy == Policy::none ? "none" : policy == Policy::standard ? "standard" : "strict";
}

std::string refusal(Policy policy, const Report& report, bool root) {
  if (policy == Policy::none) return {};
  for (const std::string_view name : kEssential) {
    if (missing(report, name)) return "there is no " + because(report, name) + advice(name, "--isolation none");
  }
  for (const Layer& layer : report) {
    if (policy == Policy::strict && !layer.in_force) {
      return "--isolation strict wants every layer, and there is no " + because(report, layer.name) +
             advice(layer.name, "--isolation standard");
    }
  }
  for (const Either& either : kOneOf) {
    std::string none;
    std::string_view last;
    for (const std::string_view name : either.layers) {
      if (is_in_force(report, name)) last = {};
      if (is_in_force(report, name)) break;
      if (missing(report, name)) none += (none.empty() ? "there is no " : " and no ") + because(report, last = name);
    }
    if (last.empty()) continue;
    return std::string("nothing keeps ") + either.what + " away: " + none + advice(last, "--isolation none");
  }
  for (const std::string_view name : kForRoot) {
    if (root && missing(report, name)) {
      return "it runs as root, and there is no " + because(report, name) +
             advice(name, "run it as an ordinary user, or with --isolation none");
    }
  }
  return {};
}

std::string_view remedy(std::string_view layer) {
  for (const auto& [name, text] : kRemedies) {
    if (name == layer) return text;
  }
  return layer.ends_with(" namespace") && layer != kUserNamespace ? remedy(kUserNamespace) : std::string_view();
}

}  // namespace dcp::isolation
