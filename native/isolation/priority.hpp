// How a process of ours shares the CPUs with the programs of the machine's user: sched(7).
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "isolation/layer.hpp"

namespace dcp::isolation {

/// `normal`: as every program. `low`: the least weight, nice 19. `idle`: what no other wants, SCHED_IDLE.
enum class Priority : std::uint8_t { normal, low, idle };

/// Empty where the text is none of the three.
std::optional<Priority> parse_priority(std::string_view text);
inline constexpr std::string_view kPriorities = "normal, low or idle";

/// For this thread, and all that it starts. Where the kernel weighs sessions against each other, by autogroups,
/// niceness counts within a session alone: a process that leads one lowers the session too. For that it may have to
/// wait, half a second at most, since the kernel grants users ten such changes a second.
Failure take_priority(Priority priority);

}  // namespace dcp::isolation
