// What the libstdc++ of GCC 12 takes from glibc 2.36, for programs that run with older ones.
#include <sys/random.h>

#include <cstdint>
#include <cstdlib>

extern "C" {

/// Whether the process is known to have one thread: then libstdc++ counts references without atomic operations.
// NOLINTBEGIN(bugprone-reserved-identifier)
extern char __libc_single_threaded;
char __libc_single_threaded = 0;
// NOLINTEND(bugprone-reserved-identifier)

std::uint32_t arc4random();
std::uint32_t arc4random() {
  std::uint32_t bits = 0;
  if (getrandom(&bits, sizeof bits, 0) != sizeof bits) std::abort();
  return bits;
}
}
