// Which layers may be missing: --isolation of the programs.
#pragma once

#include <optional>
#include <string_view>

#include "isolation/layer.hpp"

namespace dcp::isolation {

/// `strict`: every layer, or no untrusted code runs. `standard`: what every kernel has, files and the network refused
/// by one layer at least, and for root the namespaces too. `none`: whatever is in force will do.
enum class Policy { none, standard, strict };

/// Empty where the text is none of the three.
std::optional<Policy> parse_policy(std::string_view text);
std::string_view policy_name(Policy policy);

/// Why untrusted code must not run under what `report` says is in force, with the remedy; empty: it may.
/// `root`: the program was started by root.
std::string refusal(Policy policy, const Report& report, bool root);

/// What the owner of the machine can do so that a layer is in force; empty where nothing is known.
std::string_view remedy(std::string_view layer);

}  // namespace dcp::isolation
