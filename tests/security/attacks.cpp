#include "attacks.hpp"

#include <algorithm>

#include "attack.hpp"

namespace dcp::attacks {
namespace {

constexpr std::span<const Attack> (*kGroups[])() = {on_files,  on_sockets, on_processes,
                                                    on_kernel, on_memory,  with_code};

}  // namespace

std::string carry_out(std::string_view name) {
  for (const auto group : kGroups) {
    for (const Attack& attack : group()) {
      if (name == attack.name) return attack.carry_out();
    }
  }
  const std::size_t space = std::min(name.find(' '), name.size());
  return on_target(name.substr(0, space), name.substr(std::min(space + 1, name.size())));
}

std::vector<std::string> names() {
  std::vector<std::string> found;
  for (const auto group : kGroups) {
    for (const Attack& attack : group()) found.emplace_back(attack.name);
  }
  return found;
}

}  // namespace dcp::attacks
