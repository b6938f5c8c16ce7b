#include "isolation/landlock.hpp"

#include <fcntl.h>
#include <sys/stat.h>
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

struct __attribute__((packed)) PathBeneath {
  std::uint64_t allowed_access;
  std::int32_t parent_fd;
};

constexpr long kCreateRuleset = 444, kAddRule = 445, kRestrictSelf = 446;  // the same numbers on every architecture
constexpr unsigned kVersionQuery = 1, kPathBeneath = 1;
constexpr std::uint64_t kExecute = 1, kWriteFile = 2, kReadFile = 4, kReadFolder = 8, kControlDevice = 1 << 15;

/// All rights of each version of the interface: 1 has 13, 2 adds refer, 3 truncate, 5 ioctl on devices.
std::uint64_t file_rights(long version) {
  const int count = version >= 5 ? 16 : version >= 3 ? 15 : version == 2 ? 14 : 13;
  return (std::uint64_t{1} << count) - 1;
}

Failure allow(int ruleset, const std::string& path, std::uint64_t rights) {
  const int fd = open(path.c_str(), O_PATH | O_CLOEXEC);
  if (fd < 0) return {};  // what does not exist
  struct stat status{};
  if (fstat(fd, &status) == 0 && !S_ISDIR(status.st_mode)) rights &= kReadFile | kWriteFile | kControlDevice;
  const PathBeneath beneath{rights, fd};
  const long result = syscall(kAddRule, ruleset, kPathBeneath, &beneath, 0u);
  const int error = errno;
  close(fd);
  return result == 0 ? Failure{} : failed("landlock_add_rule for " + path, error);
}

/// `handled`: the rights that this kernel knows.
Failure allow_view(int ruleset, const FileView& view, std::uint64_t handled) {
  Failure failure;
  const auto allow_all = [&](const std::vector<std::string>& paths, std::uint64_t rights) {
    for (const std::string& path : paths) {
      if (failure.empty()) failure = allow(ruleset, path, rights & handled);
    }
  };
  allow_all(view.readable, kReadFile | kReadFolder);
  allow_all(view.listed, kReadFolder);
  allow_all(view.devices, kReadFile | kWriteFile | kControlDevice);
  if (!view.scratch.empty()) allow_all({view.scratch}, ~(kExecute | kControlDevice));
  return failure;
}

}  // namespace

Failure restrict_with_landlock(const FileView& view) {
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
  Failure failure = allow_view(ruleset, view, attributes.handled_access_fs);
  if (failure.empty() && syscall(kRestrictSelf, ruleset, 0u) != 0) failure = failed("landlock_restrict_self");
  close(ruleset);
  return failure;
}

}  // namespace dcp::isolation
