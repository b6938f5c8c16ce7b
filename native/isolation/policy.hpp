// Which layers may be missing: --isolation of the programs.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "isolation/layer.hpp"

namespace dcp::isolation {

/// `strict`: every layer, or no untrusted code runs. `standard`: what every kernel has, files and the network refused
/// by one layer at least, and for root the namespaces too. `none`: whatever is in force will do.
enum class Policy { none, standard, strict };

/// Empty where the text is none of the three.
std::optional<Policy> parse_policy(std::string_view text);
std::string_view policy_name(Policy policy);

/// Why untrusted code must not run in a sealed process, with the remedy; empty: it may. `declared`: the layers that its
/// profile has. A layer that is declared and not in the final `report` counts as missing; a report with another layer,
/// or with one twice, is refused. `root`: the program was started by root.
[[nodiscard]] std::string refusal(Policy policy, LayerSet declared, const Report& report, bool root);

/// The same ahead of the fork: only what `known` says is missing is refused, for the rest nothing is known yet.
[[nodiscard]] std::string refusal_ahead(Policy policy, LayerSet declared, const Report& known, bool root);

/// What the owner of the machine can do so that a layer is in force; empty where nothing is known.
std::string_view remedy(Layer layer);

}  // namespace dcp::isolation
