#include "isolation/seccomp_rules.hpp"

#include <linux/seccomp.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <memory>

namespace dcp::isolation {
namespace {

using Context = std::unique_ptr<void, decltype(&seccomp_release)>;

Failure read_program(scmp_filter_ctx context, std::vector<sock_filter>& instructions) {
  const int fd = memfd_create("seccomp", MFD_CLOEXEC);
  if (fd < 0) return failed("memfd_create");
  struct stat status{};
  Failure failure;
  if (const int result = seccomp_export_bpf(context, fd); result != 0) {
    failure = failed("seccomp_export_bpf", -result);
  } else if (fstat(fd, &status) != 0) {
    failure = failed("fstat");
  } else {
    instructions.resize(static_cast<std::size_t>(status.st_size) / sizeof(sock_filter));
    if (pread(fd, instructions.data(), instructions.size() * sizeof(sock_filter), 0) != status.st_size) {
      failure = failed("pread of the filter");
    }
  }
  close(fd);
  return failure;
}

}  // namespace

void refuse(Rules& rules, std::span<const RefusedCall> calls) {
  for (const RefusedCall& call : calls) rules.add(SCMP_ACT_ERRNO(static_cast<unsigned>(call.error)), call.name);
}

void allow_where(Rules& rules, const char* name, unsigned index, std::span<const int> values) {
  for (const int value : values) {
    rules.add(SCMP_ACT_ALLOW, name, SCMP_CMP32(index, SCMP_CMP_EQ, static_cast<unsigned>(value)));
  }
}

// glibc tries clone3, whose flags a filter cannot see, and falls back to clone where it does not exist.
void allow_threads(Rules& rules) {
  rules.add(SCMP_ACT_ALLOW, "clone", SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, CLONE_THREAD));
  rules.add(SCMP_ACT_ERRNO(EPERM), "clone", SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, 0));
}

void refuse_merging(Rules& rules) {
  rules.add(SCMP_ACT_ALLOW, "madvise", SCMP_A2_32(SCMP_CMP_NE, MADV_MERGEABLE));
  rules.add(SCMP_ACT_ERRNO(EINVAL), "madvise", SCMP_A2_32(SCMP_CMP_EQ, MADV_MERGEABLE));
}

void allow_reading_limits(Rules& rules) {
  rules.add(SCMP_ACT_ALLOW, "prlimit64", SCMP_A2_64(SCMP_CMP_EQ, 0));
  rules.add(SCMP_ACT_ERRNO(EPERM), "prlimit64", SCMP_A2_64(SCMP_CMP_NE, 0));
}

SeccompProgram compile_rules(std::uint32_t otherwise, const std::function<void(Rules&)>& add) {
  SeccompProgram program;
  const Context context(seccomp_init(otherwise), seccomp_release);
  if (!context) {
    program.failure = "seccomp_init failed";
    return program;
  }
  (void)seccomp_attr_set(context.get(), SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
  (void)seccomp_attr_set(context.get(), SCMP_FLTATR_CTL_OPTIMIZE, 2);  // binary search
  Rules rules(context.get());
  add(rules);
  program.failure = rules.failure();
  if (program.failure.empty()) program.failure = read_program(context.get(), program.instructions);
  return program;
}

Failure install_seccomp(const SeccompProgram& program) {
  if (!program.failure.empty()) return program.failure;
  sock_fprog filter{static_cast<unsigned short>(program.instructions.size()),
                    const_cast<sock_filter*>(program.instructions.data())};
  return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0u, &filter) == 0 ? Failure{} : failed("seccomp");
}

}  // namespace dcp::isolation
