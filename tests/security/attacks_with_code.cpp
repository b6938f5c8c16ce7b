// Memory that becomes code, and calls of another architecture.
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstring>
#include <string>

#include "attack.hpp"

namespace dcp::attacks {
namespace {

std::string map_code() {
  const void* page = mmap(nullptr, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return outcome(page == MAP_FAILED ? -1 : 0, "a page of code");
}
std::string map_file_as_code() {
  const int fd = memfd_create("attack", MFD_CLOEXEC);
  if (fd < 0 || ftruncate(fd, 4096) != 0) return outcome(-1);
  const void* page = mmap(nullptr, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
  close(fd);
  return outcome(page == MAP_FAILED ? -1 : 0, "a file of its own as code");
}
std::string write_code() {
  void* page = mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (page == MAP_FAILED) return outcome(-1);
  return outcome(mprotect(page, 4096, PROT_READ | PROT_WRITE | PROT_EXEC), "code that can be written");
}
/// As wasmtime does with what was compiled.
std::string make_code() {
  void* page = mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (page == MAP_FAILED) return outcome(-1);
  return outcome(mprotect(page, 4096, PROT_READ | PROT_EXEC), "code that it has written");
}
/// As V8 does where the processor has protection keys.
std::string make_code_with_key() {
  void* page = mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (page == MAP_FAILED) return outcome(-1);
  return outcome(syscall(SYS_pkey_mprotect, page, 4096, PROT_READ | PROT_EXEC, -1), "code with a protection key");
}

#ifdef __x86_64__
/// The calls of 32-bit programs have other numbers: a filter that does not look at the architecture lets them pass.
std::string foreign_architecture() {
  long result = 0;
  asm volatile("int $0x80" : "=a"(result) : "a"(20) : "memory");  // getpid
  return result > 0 ? "SUCCEEDED: a 32-bit call" : "refused: " + std::to_string(result);
}
std::string foreign_numbers() { return outcome(syscall(0x40000000 + SYS_getpid), "a call of x32"); }
#endif

constexpr Attack kAttacks[] = {
    ATTACK(map_code),
    ATTACK(map_file_as_code),
    ATTACK(write_code),
    ATTACK(make_code),
    ATTACK(make_code_with_key),
#ifdef __x86_64__
    ATTACK(foreign_architecture),
    ATTACK(foreign_numbers),
#endif
};

}  // namespace

std::span<const Attack> with_code() { return kAttacks; }

}  // namespace dcp::attacks
