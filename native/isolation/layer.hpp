// The layers of isolation, and what is known about each of one process.
#pragma once

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace dcp::isolation {

enum class Layer : std::uint8_t {
  user_namespace,
  pid_namespace,
  network_namespace,
  mount_namespace,
  ipc_namespace,
  uts_namespace,
  cgroup_namespace,
  session,
  descriptors,
  out_of_memory_score,
  unprivileged_user,
  host_name,
  rlimits,
  threads,
  empty_root,
  own_root,
  capabilities,
  no_new_privs,
  dumpable,
  parent_death_signal,
  landlock,
  seccomp,
  environment,  ///< the zygote's, erased once; reported by verify() only
  processes,    ///< that none can be made: by rlimits or seccomp; reported by verify() only
};

/// The words that reports have for them, the kernel's where it has one.
inline constexpr std::array kLayerNames{
    "user namespace",    "pid namespace",    "network namespace", "mount namespace", "ipc namespace",
    "uts namespace",     "cgroup namespace", "session",           "descriptors",     "out-of-memory score",
    "unprivileged user", "host name",        "rlimits",           "threads",         "empty root",
    "own root",          "capabilities",     "no_new_privs",      "dumpable",        "parent-death signal",
    "landlock",          "seccomp",          "environment",       "processes"};
static_assert(kLayerNames.size() == static_cast<std::size_t>(Layer::processes) + 1);

/// "not a layer" for an unknown number.
constexpr std::string_view layer_name(Layer layer) {
  const auto index = static_cast<std::size_t>(layer);
  return index < kLayerNames.size() ? kLayerNames[index] : "not a layer";
}

/// Empty where no layer has that name.
constexpr std::optional<Layer> layer_named(std::string_view name) {
  for (std::size_t i = 0; i < kLayerNames.size(); ++i) {
    if (name == kLayerNames[i]) return static_cast<Layer>(i);
  }
  return {};
}

class LayerSet {
 public:
  constexpr LayerSet() = default;
  constexpr LayerSet(std::initializer_list<Layer> layers) {
    for (const Layer layer : layers) bits_ |= bit(layer);
  }

  constexpr bool has(Layer layer) const { return (bits_ & bit(layer)) != 0; }
  constexpr bool empty() const { return bits_ == 0; }
  constexpr LayerSet with(LayerSet others) const {
    LayerSet both = *this;
    both.bits_ |= others.bits_;
    return both;
  }

 private:
  static constexpr std::uint32_t bit(Layer layer) {
    const auto index = static_cast<unsigned>(layer);
    return index < kLayerNames.size() ? std::uint32_t{1} << index : 0;
  }

  std::uint32_t bits_ = 0;
};

/// The outcome of putting one layer in force, or of a check: empty is success, else the reason why not.
class [[nodiscard]] Failure {
 public:
  Failure() = default;
  Failure(std::string reason) : reason_(std::move(reason)) {}
  Failure(const char* reason) : reason_(reason) {}

  bool empty() const { return reason_.empty(); }
  const std::string& reason() const { return reason_; }

 private:
  std::string reason_;
};

/// What is known about one layer of one process.
struct LayerState {
  Layer layer;
  bool in_force;
  std::string reason;  ///< why not; or, where it is in force, what was tried
};

using Report = std::vector<LayerState>;

/// The state of a layer; null where the report does not have it.
inline const LayerState* find(const Report& report, Layer layer) {
  for (const LayerState& state : report) {
    if (state.layer == layer) return &state;
  }
  return nullptr;
}

/// True if the report has this layer and it is in force.
inline bool is_in_force(const Report& report, Layer layer) {
  const LayerState* state = find(report, layer);
  return state != nullptr && state->in_force;
}

/// Adds the outcome of putting one layer in force.
inline void record(Report& report, Layer layer, const Failure& failure) {
  report.push_back({layer, failure.empty(), failure.reason()});
}

/// "what: text of errno".
inline Failure failed(const std::string& what, int error = errno) { return what + ": " + std::strerror(error); }

}  // namespace dcp::isolation
