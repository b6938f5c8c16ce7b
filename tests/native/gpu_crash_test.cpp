// A real panic of wgpu-native, in a process of its own: its message is told, and the process ends by the signal.
#include <dlfcn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <string>

#include "check.hpp"
#include "gpu/crash.hpp"
#include "webgpu_decoder.hpp"

namespace {

[[noreturn]] void panic(int told, int said) {
  dup2(said, STDERR_FILENO);
  dcp::gpu::watch_for_crashes([told](const std::string& reason) {
    if (write(told, reason.data(), reason.size()) < 0) _exit(1);
  });
  void* library = dlopen(DCP_WGPU_LIBRARY, RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) _exit(2);
  // wgpu-native has no implementation of it.
  auto* unimplemented = reinterpret_cast<decltype(&::wgpuShaderModuleGetCompilationInfo)>(
      dlsym(library, "wgpuShaderModuleGetCompilationInfo"));
  if (unimplemented == nullptr) _exit(3);
  unimplemented(nullptr, {});
  _exit(4);
}

std::string read_all(int fd) {
  std::string text;
  char part[1024];
  for (ssize_t got; (got = read(fd, part, sizeof part)) > 0;) text.append(part, static_cast<std::size_t>(got));
  close(fd);
  return text;
}

}  // namespace

int main() {
  int told[2], said[2];
  CHECK(pipe(told) == 0 && pipe(said) == 0);
  const pid_t child = fork();
  if (child == 0) panic(told[1], said[1]);
  close(told[1]);
  close(said[1]);
  const std::string reason = read_all(told[0]);
  const std::string text = read_all(said[0]);
  int status = 0;
  CHECK_EQ(waitpid(child, &status, 0), child);
  CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
  CHECK(reason.starts_with("the GPU host crashed: panic in wgpu-native: not implemented"));
  CHECK(reason.ends_with(")") && reason.find(".rs:") != std::string::npos);
  CHECK(text.find("panicked at") != std::string::npos);
  if (dcp::test::failures != 0)
    std::fprintf(stderr, "status %d, told: %s\nsaid: %s\n", status, reason.c_str(), text.c_str());
  return dcp::test::failures != 0;
}
