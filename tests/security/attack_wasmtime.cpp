// Stands in for wasmtime's library, which it brings along: a sandbox that opens it is taken over when it validates a
// module, the process that compiles when it compiles one.
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "attack.hpp"
#include "attacks.hpp"

namespace {

constexpr std::string_view kMark = "attack ";

/// The attack that the bytes name, up to a NUL; empty for a module.
std::string_view named(const std::uint8_t* bytes, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(bytes), size);
  return text.starts_with(kMark) ? text.substr(kMark.size(), text.find('\0') - kMark.size()) : std::string_view();
}

/// Answers the compiler with a sealed file of this size, of which one byte is written, in place of code.
std::string answer_with_holes(off_t size) {
  const int file = memfd_create("answer", MFD_ALLOW_SEALING);
  if (ftruncate(file, size) != 0) return dcp::attacks::outcome(-1);
  (void)pwrite(file, "x", 1, 0);
  (void)fcntl(file, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL);
  constexpr int channel = 3;
  char kind = 'M';
  iovec part{&kind, 1};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof file)] = {};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  cmsghdr* rights = CMSG_FIRSTHDR(&message);
  rights->cmsg_level = SOL_SOCKET;
  rights->cmsg_type = SCM_RIGHTS;
  rights->cmsg_len = CMSG_LEN(sizeof file);
  std::memcpy(CMSG_DATA(rights), &file, sizeof file);
  (void)sendmsg(channel, &message, 0);
  for (;;) pause();
}

std::string answered(std::string_view name) {
  constexpr off_t mebibyte = 1 << 20;
  if (name == "answer_with_holes") return answer_with_holes(2 * mebibyte);
  if (name == "answer_of_2_gib") return answer_with_holes(2048 * mebibyte);
  return dcp::attacks::carry_out(name);
}

}  // namespace

extern "C" {

void* wasmtime_error_new(const char* message);  // of the library that it brings along

__attribute__((visibility("default"))) void* wasmtime_module_validate(void*, std::uint8_t* bytes, std::size_t size) {
  const std::string result = dcp::attacks::carry_out(named(bytes, size));
  std::memset(bytes, 0, size);
  std::memcpy(bytes, result.data(), std::min(size, result.size()));  // JavaScript reads it there
  return nullptr;
}

__attribute__((visibility("default"))) void* wasmtime_module_new(void* engine, std::uint8_t* bytes, std::size_t size,
                                                                 void** module) {
  if (const auto name = named(bytes, size); !name.empty()) {
    return wasmtime_error_new(("attack: " + answered(name)).c_str());
  }
  static const auto real = reinterpret_cast<decltype(&wasmtime_module_new)>(dlsym(RTLD_NEXT, "wasmtime_module_new"));
  return real(engine, bytes, size, module);
}

}  // extern "C"
