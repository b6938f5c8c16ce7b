#include "gpu/crash.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <system_error>
#include <thread>
#include <utility>

namespace dcp::gpu {
namespace {

constexpr int kSignals[] = {SIGABRT, SIGSEGV, SIGBUS, SIGILL, SIGFPE};
constexpr std::size_t kPart = 4096;
constexpr std::size_t kMostText = 16 * 1024;
constexpr std::size_t kLongestMessage = 2048;
constexpr unsigned kGraceSeconds = 5;

int real_stderr = STDERR_FILENO;
int crashed = -1;  // where the signal handler writes

// The thread that crashed stays here, with whatever locks it holds, while the other one tells.
void on_crash(int signal) {
  const char byte = static_cast<char>(signal);
  alarm(kGraceSeconds);  // ends the process where telling hangs
  if (write(crashed, &byte, 1) != 1) _exit(128 + signal);
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

/// Passes on what was written to stderr, keeping the end of it. False where nothing is there.
bool pass_on(int said_end, std::string& said) {
  char text[kPart];
  pollfd waiting{said_end, POLLIN, 0};
  if (poll(&waiting, 1, 0) <= 0) return false;
  const ssize_t got = read(said_end, text, sizeof text);
  if (got <= 0) return false;
  write_all(real_stderr, {text, static_cast<std::size_t>(got)});
  said.append(text, static_cast<std::size_t>(got));
  if (said.size() > kMostText) said.erase(0, said.size() - kMostText);
  return true;
}

/// All that is there, where it comes to an end: another thread may go on writing.
void pass_on_all(int said_end, std::string& said) {
  for (std::size_t done = 0; done < 4 * kMostText && pass_on(said_end, said); done += kPart) {
  }
}

void listen(int said_end, int crash_end, const std::function<void(const std::string&)>& tell) {
  std::string said;
  for (;;) {
    pollfd waits[] = {{said_end, POLLIN, 0}, {crash_end, POLLIN, 0}};
    if (poll(waits, 2, -1) < 0) continue;
    pass_on_all(said_end, said);
    char signal = 0;
    if (waits[1].revents == 0 || read(crash_end, &signal, 1) != 1) continue;
    pass_on_all(said_end, said);
    tell(crash_reason(signal, said));
    ::signal(signal, SIG_DFL);
    raise(signal);
  }
}

}  // namespace

std::string crash_reason(int signal, std::string_view said) {
  constexpr std::string_view mark = "panicked at ";
  const std::size_t found = said.find(mark);
  const std::size_t line = found == std::string_view::npos ? found : said.find(":\n", found);
  if (line == std::string_view::npos) return std::string("the GPU host crashed: ") + strsignal(signal);
  const std::string_view place = said.substr(found + mark.size(), line - found - mark.size());
  std::string_view message = said.substr(line + 2);
  for (const std::string_view end : {"\nnote: ", "\nstack backtrace:", "\nthread ", "\n\nthread "}) {
    message = message.substr(0, message.find(end));
  }
  while (!message.empty() && message.back() == '\n') message.remove_suffix(1);
  return "the GPU host crashed: panic in wgpu-native: " + std::string(message.substr(0, kLongestMessage)) + " (" +
         std::string(place) + ")";
}

void watch_for_crashes(std::function<void(const std::string& reason)> tell) {
  int said[2], crash[2];
  make_pipe(said);
  make_pipe(crash);
  real_stderr = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
  if (real_stderr < 0 || dup2(said[1], STDERR_FILENO) < 0) {
    throw std::system_error(errno, std::generic_category(), "stderr of the GPU host");
  }
  close(said[1]);
  crashed = crash[1];
  std::thread(listen, said[0], crash[0], std::move(tell)).detach();

  // A stack that overflows leaves no room for the handler.
  static std::byte stack[64 * 1024];
  stack_t alternate{};
  alternate.ss_sp = stack;
  alternate.ss_size = sizeof stack;
  sigaltstack(&alternate, nullptr);
  struct sigaction action{};
  action.sa_handler = on_crash;
  action.sa_flags = SA_ONSTACK;
  for (const int signal : kSignals) sigaction(signal, &action, nullptr);
}

void say(const std::string& text) { write_all(real_stderr, text + "\n"); }

}  // namespace dcp::gpu
