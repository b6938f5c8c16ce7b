#include "isolation/policy.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace dcp::isolation {
namespace {

// Every kernel that the project supports has them, in every container.
constexpr std::array kEssential = {Layer::descriptors, Layer::rlimits, Layer::capabilities, Layer::no_new_privs,
                                   Layer::parent_death_signal};
// What root could do outside is more than what another user could, so one layer is not enough.
constexpr std::array kForRoot = {Layer::unprivileged_user, Layer::pid_namespace, Layer::network_namespace,
                                 Layer::mount_namespace};

struct Either {
  const char* what;
  std::array<Layer, 3> layers;
};
constexpr Either kOneOf[] = {
    {"files", {Layer::empty_root, Layer::own_root, Layer::landlock}},
    {"the network", {Layer::network_namespace, Layer::seccomp, Layer::seccomp}},
};

constexpr std::string_view kNamespaces =
    "allow user namespaces: sysctl user.max_user_namespaces=16384, kernel.unprivileged_userns_clone=1 (Debian), "
    "kernel.apparmor_restrict_unprivileged_userns=0 (Ubuntu); in a container, a seccomp profile that allows them";

/// What one policy asks of one report. `whole`: the report is final, so that a declared layer which it lacks is
/// missing.
class Question {
 public:
  Question(LayerSet declared, const Report& report, bool whole) : declared_(declared), report_(report), whole_(whole) {}

  bool missing(Layer layer) const {
    if (!declared_.has(layer)) return false;
    const LayerState* state = find(report_, layer);
    return state == nullptr ? whole_ : !state->in_force;
  }
  bool declares(Layer layer) const { return declared_.has(layer); }

  /// The layer's name, with the reason why it is missing.
  std::string named(Layer layer) const {
    const LayerState* state = find(report_, layer);
    const std::string reason = state == nullptr ? "it was not reported" : state->reason;
    return std::string(layer_name(layer)) + (reason.empty() ? "" : " (" + reason + ")");
  }

  /// Why the report itself cannot be trusted.
  std::string malformed() const {
    LayerSet seen;
    for (const LayerState& state : report_) {
      const std::string name(layer_name(state.layer));
      if (!declared_.has(state.layer)) return "the report of its layers has one that it cannot have: " + name;
      if (seen.has(state.layer)) return "the report of its layers has one twice: " + name;
      seen = seen.with({state.layer});
    }
    return {};
  }

 private:
  LayerSet declared_;
  const Report& report_;
  bool whole_;
};

std::string advice(Layer layer, std::string_view otherwise) {
  const std::string_view known = remedy(layer);
  return (known.empty() ? std::string() : "; remedy: " + std::string(known)) + "; or " + std::string(otherwise);
}

std::string essential(const Question& question) {
  for (const Layer layer : kEssential) {
    if (question.missing(layer)) return "there is no " + question.named(layer) + advice(layer, "--isolation none");
  }
  return {};
}

std::string every(const Question& question) {
  for (std::size_t i = 0; i < kLayerNames.size(); ++i) {
    const auto layer = static_cast<Layer>(i);
    if (question.missing(layer)) {
      return "--isolation strict wants every layer, and there is no " + question.named(layer) +
             advice(layer, "--isolation standard");
    }
  }
  return {};
}

/// Of layers that do the same, the profile's must not all be missing.
std::string one_of(const Question& question) {
  for (const Either& either : kOneOf) {
    std::string none;
    Layer last{};
    for (const Layer layer : either.layers) {
      if (!question.declares(layer) || (!none.empty() && layer == last)) continue;
      if (!question.missing(layer)) {
        none.clear();
        break;
      }
      none += (none.empty() ? "there is no " : " and no ") + question.named(last = layer);
    }
    if (!none.empty()) {
      return std::string("nothing keeps ") + either.what + " away: " + none + advice(last, "--isolation none");
    }
  }
  return {};
}

std::string for_root(const Question& question) {
  for (const Layer layer : kForRoot) {
    if (question.missing(layer)) {
      return "it runs as root, and there is no " + question.named(layer) +
             advice(layer, "run it as an ordinary user, or with --isolation none");
    }
  }
  return {};
}

std::string ask(Policy policy, const Question& question, bool root) {
  if (policy == Policy::none) return {};
  std::string reason = question.malformed();
  if (reason.empty()) reason = essential(question);
  if (reason.empty() && policy == Policy::strict) reason = every(question);
  if (reason.empty()) reason = one_of(question);
  if (reason.empty() && root) reason = for_root(question);
  return reason;
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

std::string refusal(Policy policy, LayerSet declared, const Report& report, bool root) {
  return ask(policy, Question(declared, report, true), root);
}

std::string refusal_ahead(Policy policy, LayerSet declared, const Report& known, bool root) {
  return ask(policy, Question(declared, known, false), root);
}

std::string_view remedy(Layer layer) {
  switch (layer) {
    case Layer::user_namespace:
    case Layer::pid_namespace:
    case Layer::network_namespace:
    case Layer::mount_namespace:
    case Layer::ipc_namespace:
    case Layer::uts_namespace:
    case Layer::cgroup_namespace:
      return kNamespaces;
    case Layer::landlock:
      return "a kernel of 5.13 or newer with landlock among its security modules (boot parameter lsm=)";
    case Layer::seccomp:
      return "a kernel with CONFIG_SECCOMP_FILTER, and libseccomp";
    case Layer::empty_root:
      return "a mount namespace";
    case Layer::own_root:
      return "a mount namespace, and Linux 5.12 or newer";
    case Layer::host_name:
      return "a uts namespace";
    case Layer::unprivileged_user:
      return "give root CAP_SETUID and CAP_SETGID";
    case Layer::rlimits:
      return "mount /proc where the evaluator runs";
    case Layer::out_of_memory_score:
      return "mount /proc, writable, where the evaluator runs";
    case Layer::threads:
      return "a user namespace and Linux 5.14 or newer";
    default:
      return {};
  }
}

}  // namespace dcp::isolation
