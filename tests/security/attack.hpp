// What the attacks are made of, and the groups of them.
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <span>
#include <string>
#include <string_view>

namespace dcp::attacks {

struct Attack {
  const char* name;
  std::string (*carry_out)();
};

#define ATTACK(function) {#function, function}

std::span<const Attack> on_files();
std::span<const Attack> on_sockets();
std::span<const Attack> on_processes();
std::span<const Attack> on_kernel();
std::span<const Attack> on_memory();
std::span<const Attack> with_code();

/// "connect ADDRESS" and "open PATH"; "descriptors" tells of its own; "unknown" for others.
std::string on_target(std::string_view verb, std::string_view target);

/// A call that should fail.
inline std::string outcome(long result, const char* what = "") {
  const int error = errno;
  if (result < 0) return std::string("refused: ") + strerrorname_np(error);
  return std::string("SUCCEEDED: ") + what;
}

inline std::string open_and_close(const char* path, int flags) {
  const int fd = open(path, flags | O_CLOEXEC, 0600);
  const std::string text = outcome(fd, path);
  if (fd >= 0) close(fd);
  return text;
}

}  // namespace dcp::attacks
