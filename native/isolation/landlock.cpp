#include "isolation/landlock.hpp"

#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>

namespace dcp::isolation {
namespace {

// The kernel's struct landlock_ruleset_attr and bits, written out because the headers of the build machine may be
// older than the kernel that runs.
struct RulesetAttributes {
  std::uint64_t handled_access_fs;
  std::uint64_t handled_access_net;
  std::uint64_t scoped;
};

constexpr long kCreateRuleset = 444, kRestrictSelf = 446;  // the same numbers on every architecture
constexpr unsigned kVersionQuery = 1;

/// All rights of each version of the interface: 1 has 13, 2 adds refer, 3 truncate, 5 ioctl on devices.
std::uint64_t file_rights(long version) {
  const int count = version >= 5 ? 16 : version >= 3 ? 15 : version == 2 ? 14 : 13;
  return (std::uint64_t{1} << count) - 1;
}

}  // namespace

Failure restrict_with_landlock() {
  const long version = syscall(kCreateRuleset, nullptr, 0L, kVersionQuery);
  if (version < 1) return failed("landlock_create_ruleset (Linux 5.13 with Landlock enabled is needed)");
  RulesetAttributes attributes{file_rights(version), 0, 0};
  if (version >= 4) attributes.handled_access_net = 3;  // bind and connect of TCP
  if (version >= 6) attributes.scoped = 3;              // abstract Unix sockets and signals
  const std::size_t size = version >= 6   ? sizeof attributes
                           : version >= 4 ? 2 * sizeof(std::uint64_t)
                                          : sizeof(std::uint64_t);
  const int ruleset = static_cast<int>(syscall(kCreateRuleset, &attributes, size, 0u));
  if (ruleset < 0) return failed("landlock_create_ruleset");
  const long result = syscall(kRestrictSelf, ruleset, 0u);
  const int error = errno;
  close(ruleset);
  return result == 0 ? Failure{} : failed("landlock_restrict_self", error);
}

}  // namespace dcp::isolation
