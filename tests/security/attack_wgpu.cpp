// Stands in for wgpu-native's library, which it brings along: a GPU host that opens it is taken over when it makes its
// instance, after it was sealed. The attack's name is in the environment, its outcome goes to stderr.
#include <unistd.h>

#include <cstdlib>

#include "attacks.hpp"

extern "C" __attribute__((visibility("default"))) void* wgpuCreateInstance(const void*) {
  const char* name = std::getenv("WGPU_ATTACK");
  const std::string text = "attack: " + dcp::attacks::carry_out(name == nullptr ? "" : name) + "\n";
  if (write(STDERR_FILENO, text.data(), text.size()) < 0) _exit(99);
  _exit(98);
}
