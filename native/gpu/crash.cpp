#include "gpu/crash.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <system_error>
#include <thread>
#include <utility>

#include "gpu/panic.hpp"

namespace dcp::gpu {
namespace {

constexpr int kSignals[] = {SIGABRT, SIGSEGV, SIGBUS, SIGILL, SIGFPE};
constexpr std::size_t kPart = 4096;
constexpr std::size_t kMostText = 16 * 1024;
constexpr int kHoldMilliseconds = 100;
constexpr std::size_t kLongestMessage = 2048;
constexpr std::size_t kSignalStack = 64 * 1024;
constexpr unsigned kGraceSeconds = 5;
constexpr char kGuarded = 0x40;  // beside the number of a signal

int real_stderr = STDERR_FILENO;
int crashed = -1;   // where the signal handler writes
int survived = -1;  // where it reads that a guarded call may be left

// The thread that crashed stays here, with whatever locks it holds, while the other one tells.
void on_crash(int signal) {
  const bool guarded = signal == SIGABRT && in_guarded_call();
  const char byte = static_cast<char>(guarded ? signal | kGuarded : signal);
  alarm(kGraceSeconds);  // ends the process where telling hangs
  if (write(crashed, &byte, 1) != 1) _exit(128 + signal);
  char answer = 0;
  if (guarded && read(survived, &answer, 1) == 1) {
    alarm(0);
    leave_guarded_call();
  }
  for (;;) pause();
}

void make_pipe(int (&ends)[2]) {
  if (pipe2(ends, O_CLOEXEC) != 0) throw std::system_error(errno, std::generic_category(), "pipe2");
}

void write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t wrote = write(fd, text.data(), text.size());
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote <= 0) return;
    text.remove_prefix(static_cast<std::size_t>(wrote));
  }
}

/// What wgpu-native and the driver write to stderr.
class Said {
 public:
  explicit Said(int end) : end_(end) {}

  /// Takes what is there; another thread may go on writing.
  void take() {
    for (std::size_t done = 0; done < 4 * kMostText && take_part(); done += kPart) {
    }
  }
  /// The end of all that was taken since forget().
  const std::string& text() const { return text_; }
  /// Passes on what was not yet.
  void pass_on() {
    write_all(real_stderr, held_);
    held_.clear();
  }
  void forget() {
    text_.clear();
    held_.clear();
  }
  std::size_t held() const { return held_.size(); }

 private:
  bool take_part() {
    char part[kPart];
    pollfd waiting{end_, POLLIN, 0};
    if (poll(&waiting, 1, 0) <= 0) return false;
    const ssize_t got = read(end_, part, sizeof part);
    if (got <= 0) return false;
    held_.append(part, static_cast<std::size_t>(got));
    text_.append(part, static_cast<std::size_t>(got));
    if (text_.size() > kMostText) text_.erase(0, text_.size() - kMostText);
    return true;
  }

  const int end_;
  std::string text_, held_;
};

/// What is said in a guarded call is held back until it has ended: of its panic, the log has a line.
void listen(int said_end, int crash_end, int survived_end, const std::function<void(const std::string&)>& tell) {
  Said said(said_end);
  for (;;) {
    pollfd waits[] = {{said_end, POLLIN, 0}, {crash_end, POLLIN, 0}};
    if (poll(waits, 2, said.held() > 0 ? kHoldMilliseconds : -1) < 0) continue;
    said.take();
    if (!is_any_guarded() || said.held() > kMostText) said.pass_on();
    char byte = 0;
    if (waits[1].revents == 0 || read(crash_end, &byte, 1) != 1) continue;
    said.take();
    if ((byte & kGuarded) != 0 && is_unwound(said.text())) {
      keep_panic(panic_text(said.text()));
      said.forget();
      if (write(survived_end, &byte, 1) == 1) continue;
    }
    said.pass_on();
    const int signal = byte & ~kGuarded;
    tell(crash_reason(signal, said.text()));
    ::signal(signal, SIG_DFL);
    raise(signal);
  }
}

}  // namespace

std::string panic_text(std::string_view said) {
  constexpr std::string_view mark = "panicked at ", registry = "/registry/src/";
  const std::size_t found = said.find(mark);
  const std::size_t line = found == std::string_view::npos ? found : said.find(":\n", found);
  if (line == std::string_view::npos) return {};
  std::string_view place = said.substr(found + mark.size(), line - found - mark.size());
  if (const std::size_t home = place.find(registry); home != std::string_view::npos) {
    place.remove_prefix(home + registry.size());
    place.remove_prefix(std::min(place.find('/'), place.size() - 1) + 1);
  }
  std::string_view message = said.substr(line + 2);
  for (const std::string_view end : {"\nnote: ", "\nstack backtrace:", "\nthread ", "\n\nthread "}) {
    message = message.substr(0, message.find(end));
  }
  while (!message.empty() && message.back() == '\n') message.remove_suffix(1);
  return std::string(message.substr(0, kLongestMessage)) + " (" + std::string(place.substr(0, kLongestMessage)) + ")";
}

bool is_unwound(std::string_view said) {
  const std::size_t first = said.find("panicked at ");
  return first != std::string_view::npos && said.find("panic in a function that cannot unwind", first) != said.npos;
}

std::string crash_reason(int signal, std::string_view said) {
  const std::string panic = panic_text(said);
  return "the GPU host crashed: " + (panic.empty() ? strsignal(signal) : "panic in wgpu-native: " + panic);
}

void watch_for_crashes(std::function<void(const std::string& reason)> tell) {
  int said[2], crash[2], answer[2];
  make_pipe(said);
  make_pipe(crash);
  make_pipe(answer);
  real_stderr = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
  if (real_stderr < 0 || dup2(said[1], STDERR_FILENO) < 0) {
    throw std::system_error(errno, std::generic_category(), "stderr of the GPU host");
  }
  close(said[1]);
  crashed = crash[1];
  survived = answer[0];
  std::thread(listen, said[0], crash[0], answer[1], std::move(tell)).detach();

  static const SignalStack of_main_thread;
  struct sigaction action{};
  action.sa_handler = on_crash;
  action.sa_flags = SA_ONSTACK;
  for (const int signal : kSignals) sigaction(signal, &action, nullptr);
}

SignalStack::SignalStack() : stack_(std::make_unique_for_overwrite<std::byte[]>(kSignalStack)) {
  stack_t alternate{};
  alternate.ss_sp = stack_.get();
  alternate.ss_size = kSignalStack;
  sigaltstack(&alternate, nullptr);
}

SignalStack::~SignalStack() {
  stack_t none{};
  none.ss_flags = SS_DISABLE;
  sigaltstack(&none, nullptr);
}

void say(const std::string& text) { write_all(real_stderr, text + "\n"); }

}  // namespace dcp::gpu
