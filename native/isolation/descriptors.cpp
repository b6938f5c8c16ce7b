#include "isolation/descriptors.hpp"

#include <sys/syscall.h>
#include <unistd.h>

namespace dcp::isolation {

Failure close_descriptors(int null_device, int keep) {
  // No new number is asked for: all that the limit allows may be taken by what the parent holds.
  if (keep != kKept && dup2(keep, kKept) < 0) return failed("dup2 of the channel");
  for (int fd = 0; fd < kKept; ++fd) {
    if (dup2(null_device, fd) < 0) return failed("dup2 of the null device");
  }
  return syscall(__NR_close_range, static_cast<unsigned>(kKept + 1), ~0u, 0u) == 0 ? Failure{} : failed("close_range");
}

}  // namespace dcp::isolation
