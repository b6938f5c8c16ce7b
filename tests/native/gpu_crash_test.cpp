// Real panics of wgpu-native, in processes of their own. One that is not guarded is told, and the process ends by the
// signal; after one in a guarded call the process goes on, in another thread.
#include <dlfcn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <functional>
#include <optional>
#include <string>
#include <thread>

#include "check.hpp"
#include "gpu/crash.hpp"
#include "gpu/panic.hpp"
#include "webgpu_decoder.hpp"

namespace {

constexpr int kSurvived = 42;
constexpr const char* kPanic = "not implemented";

void unimplemented() {
  void* library = dlopen(DCP_WGPU_LIBRARY, RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) _exit(2);
  auto* call = reinterpret_cast<decltype(&::wgpuShaderModuleGetCompilationInfo)>(
      dlsym(library, "wgpuShaderModuleGetCompilationInfo"));
  if (call == nullptr) _exit(3);
  call(nullptr, {});
}

[[noreturn]] void panic() {
  unimplemented();
  _exit(4);
}

/// More than once, each in a thread of its own, as the host goes on.
[[noreturn]] void survive_panics() {
  int survived = 0;
  for (int i = 0; i < 3; ++i) {
    std::thread([&survived] {
      const dcp::gpu::SignalStack stack;
      if (dcp::gpu::thread_is_spent() || dcp::gpu::catch_panic([] {})) return;
      const std::optional<std::string> text = dcp::gpu::catch_panic([] { unimplemented(); });
      survived += text && text->starts_with(kPanic) && text->ends_with(")") && dcp::gpu::thread_is_spent();
    }).join();
  }
  _exit(survived == 3 && !dcp::gpu::is_any_guarded() ? kSurvived : 5);
}

[[noreturn]] void abort_guarded() {
  (void)dcp::gpu::catch_panic([] { raise(SIGABRT); });
  _exit(6);
}

[[noreturn]] void fault_guarded() {
  (void)dcp::gpu::catch_panic([] { raise(SIGSEGV); });
  _exit(7);
}

[[noreturn]] void panic_elsewhere() {
  (void)dcp::gpu::catch_panic([] { std::thread(panic).join(); });
  _exit(8);
}

std::string read_all(int fd) {
  std::string text;
  char part[1024];
  for (ssize_t got; (got = read(fd, part, sizeof part)) > 0;) text.append(part, static_cast<std::size_t>(got));
  close(fd);
  return text;
}

struct Ended {
  int status = 0;
  std::string told, said;
};

Ended run(const std::function<void()>& body) {
  int told[2], said[2];
  CHECK(pipe(told) == 0 && pipe(said) == 0);
  const pid_t child = fork();
  if (child == 0) {
    dup2(said[1], STDERR_FILENO);
    close(said[1]);
    dcp::gpu::watch_for_crashes([told](const std::string& reason) {
      if (write(told[1], reason.data(), reason.size()) < 0) _exit(1);
    });
    body();
    _exit(9);
  }
  close(told[1]);
  close(said[1]);
  Ended ended;
  ended.told = read_all(told[0]);
  ended.said = read_all(said[0]);
  CHECK_EQ(waitpid(child, &ended.status, 0), child);
  return ended;
}

bool ended_by(const Ended& ended, int signal) { return WIFSIGNALED(ended.status) && WTERMSIG(ended.status) == signal; }

void test_a_panic_is_told() {
  for (const auto& body : {std::function<void()>(panic), std::function<void()>(panic_elsewhere)}) {
    const Ended ended = run(body);
    CHECK(ended_by(ended, SIGABRT));
    CHECK(ended.told.starts_with(std::string("the GPU host crashed: panic in wgpu-native: ") + kPanic));
    CHECK(ended.told.ends_with(")") && ended.told.find(".rs:") != std::string::npos);
    CHECK(ended.said.find("panicked at") != std::string::npos);
  }
}

void test_a_guarded_panic_is_survived() {
  const Ended ended = run(survive_panics);
  CHECK(WIFEXITED(ended.status) && WEXITSTATUS(ended.status) == kSurvived);
  CHECK_EQ(ended.told, "");
  CHECK_EQ(ended.said, "");
}

void test_what_is_no_panic_is_a_crash_in_a_guarded_call_too() {
  Ended ended = run(abort_guarded);
  CHECK(ended_by(ended, SIGABRT));
  CHECK_EQ(ended.told, "the GPU host crashed: Aborted");
  ended = run(fault_guarded);
  CHECK(ended_by(ended, SIGSEGV));
  CHECK_EQ(ended.told, "the GPU host crashed: Segmentation fault");
}

void test_texts_of_panics() {
  using namespace dcp::gpu;
  const std::string first =
      "\nthread 'a' (1) panicked at /x/registry/src/host-1/naga-29.0.3/src/a.rs:1:2:\nwhy\nso\nnote: x\n";
  CHECK_EQ(panic_text(first), "why\nso (naga-29.0.3/src/a.rs:1:2)");
  CHECK_EQ(panic_text("thread 'a' panicked at library/core/src/b.rs:3:4:\nwhy"), "why (library/core/src/b.rs:3:4)");
  CHECK_EQ(panic_text("thread 'a' panicked at /registry/src/:\nwhy"), "why ()");
  CHECK_EQ(panic_text("panicked at"), "");
  CHECK(!is_unwound(first) && !is_unwound(""));
  CHECK(is_unwound(first + "panicked at c.rs:5:6:\npanic in a function that cannot unwind\n"));
}

}  // namespace

int main() {
  test_a_panic_is_told();
  test_a_guarded_panic_is_survived();
  test_what_is_no_panic_is_a_crash_in_a_guarded_call_too();
  test_texts_of_panics();
  return dcp::test::failures != 0;
}
