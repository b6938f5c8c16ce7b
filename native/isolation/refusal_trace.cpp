#include "isolation/refusal_trace.hpp"

#include <linux/seccomp.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <iterator>

// The kernel tells a filter from where a call comes. Calls from here pass, so that the handler can make them.
extern "C" long dcp_untraced_call(long number, long a, long b, long c, long d, long e, long f);
extern "C" const char dcp_untraced_return[];

#if defined(__x86_64__)
asm(R"(
.text
.hidden dcp_untraced_call, dcp_untraced_return
.globl dcp_untraced_call, dcp_untraced_return
dcp_untraced_call:
  mov %rdi, %rax
  mov %rsi, %rdi
  mov %rdx, %rsi
  mov %rcx, %rdx
  mov %r8, %r10
  mov %r9, %r8
  mov 8(%rsp), %r9
  syscall
dcp_untraced_return:
  ret
)");
#elif defined(__aarch64__)
asm(R"(
.text
.hidden dcp_untraced_call, dcp_untraced_return
.globl dcp_untraced_call, dcp_untraced_return
dcp_untraced_call:
  mov x8, x0
  mov x0, x1
  mov x1, x2
  mov x2, x3
  mov x3, x4
  mov x4, x5
  mov x5, x6
  svc #0
dcp_untraced_return:
  ret
)");
#else
#error "isolation/refusal_trace.cpp does not know how this architecture calls the kernel"
#endif

namespace dcp::isolation {
namespace {

// What the filter tells the handler in si_errno where it is no error's number.
constexpr std::uint32_t kWouldEnd = 0xFFF, kLooksAtFile = 0xFFE;
constexpr int kNumbers = 1024;

struct FileCall {
  const char* name;
  int path;  ///< which argument
};
constexpr FileCall kFileCalls[] = {{"open", 0},       {"openat", 1},   {"stat", 0},      {"lstat", 0},
                                   {"newfstatat", 1}, {"statx", 1},    {"access", 0},    {"faccessat", 1},
                                   {"faccessat2", 1}, {"readlink", 0}, {"readlinkat", 1}};

std::array<const char*, kNumbers> names;
std::array<int, kNumbers> path_argument;
std::array<std::atomic<bool>, kNumbers> told;

struct Registers {
  std::array<long, 6> arguments;
  long* result;
};

#if defined(__x86_64__)
Registers registers_of(ucontext_t& context) {
  auto& all = context.uc_mcontext.gregs;
  return {{all[REG_RDI], all[REG_RSI], all[REG_RDX], all[REG_R10], all[REG_R8], all[REG_R9]},
          reinterpret_cast<long*>(&all[REG_RAX])};
}
#else
Registers registers_of(ucontext_t& context) {
  auto& all = context.uc_mcontext.regs;
  const auto at = [&](int i) { return static_cast<long>(all[i]); };
  return {{at(0), at(1), at(2), at(3), at(4), at(5)}, reinterpret_cast<long*>(&all[0])};
}
#endif

const char* name_of(int number) {
  const char* name = number >= 0 && number < kNumbers ? names[static_cast<std::size_t>(number)] : nullptr;
  return name == nullptr ? "a call without a name" : name;
}

struct ErrorName {
  int error;
  const char* name;
};

// Those that the rules give, and that tell_file() tells: strerrorname_np() is newer than the glibc of the wheels.
constexpr ErrorName kErrorNames[] = {{EACCES, "EACCES"}, {ECHILD, "ECHILD"}, {ENOENT, "ENOENT"},
                                     {ENOSYS, "ENOSYS"}, {ENOTTY, "ENOTTY"}, {EOPNOTSUPP, "EOPNOTSUPP"},
                                     {EPERM, "EPERM"},   {EROFS, "EROFS"}};

const char* error_name(int error) {
  for (const ErrorName& known : kErrorNames) {
    if (known.error == error) return known.name;
  }
  return "unknown error";
}

// Not dprintf(): fork() holds a lock that it takes.
template <typename... Words>
void tell(const char* format, Words... words) {
  char line[4352];
  const int size = std::snprintf(line, sizeof line, format, words...);
  (void)!write(STDERR_FILENO, line, std::min(static_cast<std::size_t>(size), sizeof line));
}

void tell_file(int number, const Registers& registers, long result) {
  const int error = static_cast<int>(-result);
  if (error != EACCES && error != EPERM && error != ENOENT && error != EROFS) return;
  const auto* path = reinterpret_cast<const char*>(
      registers.arguments[static_cast<std::size_t>(path_argument[static_cast<std::size_t>(number)])]);
  tell("file: %s (%s: %s)\n", path, name_of(number), error_name(error));
}

/// An ioctl is told each time, with its number: that says which driver's it is.
void tell_refusal(int number, const Registers& registers, std::uint32_t data) {
  const char* outcome = data == kWouldEnd ? "would end the process" : error_name(static_cast<int>(data));
  if (number == SYS_ioctl) {
    tell("refused: ioctl %#lx (%s)\n", registers.arguments[1] & 0xFFFFFFFF, outcome);
    return;
  }
  if (number >= 0 && number < kNumbers && told[static_cast<std::size_t>(number)].exchange(true)) return;
  tell("refused: %s (%s)\n", name_of(number), outcome);
}

void on_refusal(int, siginfo_t* info, void* context) {
  const int saved = errno;
  const Registers registers = registers_of(*static_cast<ucontext_t*>(context));
  const auto data = static_cast<std::uint32_t>(info->si_errno);
  if (data == kLooksAtFile) {
    const auto& given = registers.arguments;
    *registers.result = dcp_untraced_call(info->si_syscall, given[0], given[1], given[2], given[3], given[4], given[5]);
    tell_file(info->si_syscall, registers, *registers.result);
  } else {
    tell_refusal(info->si_syscall, registers, data);
    *registers.result = -static_cast<long>(data == kWouldEnd ? EPERM : data);
  }
  errno = saved;
}

Failure handle_refusals() {
  for (int number = 0; number < kNumbers; ++number) {
    names[static_cast<std::size_t>(number)] = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, number);
  }
  struct sigaction action{};
  action.sa_sigaction = on_refusal;
  action.sa_flags = SA_SIGINFO | SA_NODEFER;
  return sigaction(SIGSYS, &action, nullptr) == 0 ? Failure{} : failed("sigaction");
}

sock_filter load(std::size_t offset) { return BPF_STMT(BPF_LD | BPF_W | BPF_ABS, static_cast<std::uint32_t>(offset)); }
sock_filter answer(std::uint32_t action) { return BPF_STMT(BPF_RET | BPF_K, action); }
sock_filter jump_where(std::uint32_t value, std::size_t equal, std::size_t other) {
  return BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, static_cast<std::uint8_t>(equal), static_cast<std::uint8_t>(other));
}

/// What is put ahead of the filter. Calls that look at files come to the handler, but for those that it makes itself.
/// Making a process fails as ever, and silently: the C library tries it with all signals blocked, and a SIGSYS that is
/// blocked ends the process.
std::vector<sock_filter> trace_files() {
  std::vector<std::uint32_t> numbers;
  for (const FileCall& call : kFileCalls) {
    const int number = seccomp_syscall_resolve_name(call.name);
    if (number < 0 || number >= kNumbers) continue;
    path_argument[static_cast<std::size_t>(number)] = call.path;
    numbers.push_back(static_cast<std::uint32_t>(number));
  }
  const auto number_of = [](const char* name) {
    return static_cast<std::uint32_t>(seccomp_syscall_resolve_name(name));
  };
  const auto from = reinterpret_cast<std::uintptr_t>(dcp_untraced_return);
  constexpr std::size_t caller = offsetof(seccomp_data, instruction_pointer), flags = offsetof(seccomp_data, args);
  const std::vector<sock_filter> making{answer(SECCOMP_RET_ERRNO | ENOSYS), load(flags),
                                        BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, CLONE_THREAD, 7, 0),
                                        answer(SECCOMP_RET_ERRNO | EPERM)};
  const std::vector<sock_filter> looking{load(caller),
                                         jump_where(static_cast<std::uint32_t>(from), 0, 3),
                                         load(caller + 4),
                                         jump_where(static_cast<std::uint32_t>(from >> 32), 0, 1),
                                         answer(SECCOMP_RET_ALLOW),
                                         answer(SECCOMP_RET_TRAP | kLooksAtFile)};
  std::vector<sock_filter> program{load(offsetof(seccomp_data, nr)),
                                   jump_where(number_of("clone3"), numbers.size() + 2, 0),
                                   jump_where(number_of("clone"), numbers.size() + 2, 0)};
  for (std::size_t left = numbers.size(); left > 0; --left) {
    program.push_back(jump_where(numbers[numbers.size() - left], left + making.size(), 0));
  }
  program.push_back(BPF_STMT(BPF_JMP | BPF_JA, static_cast<std::uint32_t>(making.size() + looking.size())));
  program.insert(program.end(), making.begin(), making.end());
  program.insert(program.end(), looking.begin(), looking.end());
  return program;
}

}  // namespace

SeccompProgram trace_refusals(SeccompProgram program) {
  if (!program.failure.empty()) return program;
  for (sock_filter& instruction : program.instructions) {
    if (instruction.code != (BPF_RET | BPF_K)) continue;
    const std::uint32_t action = instruction.k & SECCOMP_RET_ACTION_FULL, data = instruction.k & SECCOMP_RET_DATA;
    if (action == SECCOMP_RET_ERRNO && data != 0) instruction.k = SECCOMP_RET_TRAP | data;
    if (action == SECCOMP_RET_KILL_PROCESS) instruction.k = SECCOMP_RET_TRAP | kWouldEnd;
  }
  const std::vector<sock_filter> files = trace_files();
  program.instructions.insert(program.instructions.begin(), files.begin(), files.end());
  program.failure = handle_refusals();
  return program;
}

}  // namespace dcp::isolation
