// What is known about one isolation layer of one sandbox.
#pragma once

#include <cerrno>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

namespace dcp::isolation {

/// The layers, as bits: seal() can leave some out, so that a check meets the layer it is about and no other.
enum LayerBit : unsigned {
  kNone = 0,
  kMounts = 1u << 0,
  kLandlock = 1u << 1,
  kSeccomp = 1u << 2,
  kRlimits = 1u << 3,
};

struct Layer {
  std::string name;  ///< the kernel's word: "user namespace", "seccomp", ...
  bool in_force;
  std::string reason;  ///< why not; or, where it is in force, what was tried
};

using Report = std::vector<Layer>;

/// Whether the layer of that name is among them, and in force.
inline bool is_in_force(const Report& report, std::string_view name) {
  for (const Layer& layer : report) {
    if (layer.name == name) return layer.in_force;
  }
  return false;
}

/// The outcome of putting one layer in force: empty text is success, other text is the reason why not.
using Failure = std::string;

/// Adds what came of putting one layer in force.
inline void record(Report& report, const char* name, const Failure& failure) {
  report.push_back({name, failure.empty(), failure});
}

/// "what: text of errno".
inline Failure failed(const std::string& what, int error = errno) { return what + ": " + std::strerror(error); }

}  // namespace dcp::isolation
