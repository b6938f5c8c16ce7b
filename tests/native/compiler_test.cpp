// What compiling may take, and what is believed of its answer.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "check.hpp"
#include "compiler/child.hpp"
#include "compiler/compile_process.hpp"
#include "compiler/limits.hpp"
#include "compiler/protocol.hpp"
#include "digest/sha256.hpp"
#include "ipc/memfd.hpp"

using namespace dcp;
using namespace dcp::compiler;

namespace {

constexpr std::uint64_t kMiB = std::uint64_t{1} << 20;
constexpr ModuleLimits kLimits{.memory = 100 * kMiB, .cpu_seconds = 10, .code = 3 * kMiB};

void limits_grow_with_the_module() {
  const ModuleLimits small = module_limits(100, 4096 * kMiB, {}), large = module_limits(50 * kMiB, 65536 * kMiB, {});
  CHECK(small.memory >= 256 * kMiB && small.memory < 4096 * kMiB);
  CHECK(module_limits(kMiB, 65536 * kMiB, {}).memory > 1024 * kMiB);  // 200,000 functions of 5 bytes
  CHECK(large.memory > 50 * 100 * kMiB);
  CHECK(large.cpu_seconds > small.cpu_seconds && large.code > small.code);
  CHECK_EQ(module_limits(50 * kMiB, 1000 * kMiB, {}).memory, 1000 * kMiB);  // what the machine has
  const ModuleLimits own = module_limits(100, 1000 * kMiB, {.memory = 2000 * kMiB, .cpu_seconds = 7});
  CHECK_EQ(own.memory, 2000 * kMiB);
  CHECK_EQ(own.cpu_seconds, 7);
}

void a_lane_has_room_for_so_much() {
  Lane lane(3, 100);
  auto first = lane.take(60);
  CHECK(first.has_value());
  CHECK(!lane.take(41));
  auto second = lane.take(40);
  CHECK(second.has_value());
  CHECK(lane.take(0).has_value());  // given back at once
  auto third = lane.take(0);
  CHECK(third.has_value() && !lane.take(0));  // no process more
  first.reset();
  CHECK(!lane.take(61) && lane.take(60).has_value());
  second.reset();
  third.reset();
  const auto all = lane.take(1000);  // alone
  CHECK(all.has_value() && !lane.take(0));
}

std::string digest_of(std::string_view text) {
  return digest::hexadecimal(digest::sha256(std::as_bytes(std::span(text))));
}

// The examples of FIPS 180.
void digests_are_sha_256() {
  CHECK_EQ(digest_of(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK_EQ(digest_of("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK_EQ(digest_of("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
           "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  CHECK_EQ(digest_of(std::string(1'000'000, 'a')), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

ipc::Descriptor sparse(std::size_t size) {
  ipc::Descriptor file = ipc::make_memfd("sparse");
  CHECK_EQ(ftruncate(file.get(), static_cast<off_t>(size)), 0);
  CHECK_EQ(pwrite(file.get(), "x", 1, 0), 1);
  ipc::seal(file.get());
  return file;
}

void holes_are_no_size() {
  for (const std::size_t size : {std::size_t{1}, std::size_t{4095}, std::size_t{4096}, std::size_t{4097}, 3 * kMiB}) {
    const ipc::Descriptor whole = ipc::sealed_copy(std::vector<std::byte>(size));
    CHECK_EQ(ipc::whole_size(whole.get()), size);
    CHECK_EQ(ipc::whole_size(sparse(size).get()), size <= 4096 ? static_cast<std::int64_t>(size) : -1);
  }
  const ipc::Descriptor unsealed = ipc::make_memfd("unsealed");
  CHECK_EQ(ipc::whole_size(unsealed.get()), -1);
  const ipc::Descriptor file(open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
  CHECK_EQ(ipc::whole_size(file.get()), -1);
  const ipc::Descriptor huge(memfd_create("huge", MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_HUGETLB));
  if (!huge) return;  // a kernel without them
  (void)ftruncate(huge.get(), 2 * static_cast<off_t>(kMiB));
  ipc::seal(huge.get());
  CHECK_EQ(ipc::whole_size(huge.get()), -1);
}

ipc::Packet answer(std::string bytes, ipc::Descriptor file = {}) {
  ipc::Packet packet;
  packet.bytes = std::move(bytes);
  if (file) packet.descriptors.push_back(std::move(file));
  return packet;
}

void answers_are_looked_at() {
  CHECK(static_cast<bool>(outcome_of(answer("M", ipc::sealed_copy(std::vector<std::byte>(3 * kMiB))), kLimits).code));
  const Outcome large = outcome_of(answer("M", ipc::sealed_copy(std::vector<std::byte>(3 * kMiB + 1))), kLimits);
  CHECK(!large.code && large.failed.find("larger than 3 MiB") != std::string::npos);
  CHECK_EQ(outcome_of(answer("M", sparse(2 * kMiB)), kLimits).failed, "the compiler's answer is no code");
  CHECK_EQ(outcome_of(answer("M", ipc::make_memfd("unsealed")), kLimits).failed, "the compiler's answer is no code");
  for (const char* bytes : {"", "M", "MM", "x", "C"}) CHECK(!outcome_of(answer(bytes), kLimits).failed.empty());
  CHECK_EQ(outcome_of(answer("Eno module"), kLimits).invalid, "no module");
  CHECK_EQ(outcome_of(answer("Fno memory"), kLimits).failed, "no memory");
}

void the_limit_that_was_met_is_named() {
  const auto reason = [](int status, double cpu_time) { return reason_of({status, cpu_time}, kLimits); };
  CHECK(reason(SIGKILL, 9.9).find("more than 10 s of CPU time") != std::string::npos);
  CHECK(reason(SIGKILL, 3).find("killed") != std::string::npos);
  CHECK(reason(SIGSEGV, 3).find("more than 100 MiB of memory") != std::string::npos);
  CHECK(reason(SIGSEGV, 3).find("DCP_EVALUATOR_COMPILE_MIB") != std::string::npos);
  CHECK_EQ(reason(1 << 8, 0), "the compiler ended (exit 1)");
}

Child::End end_of(Child& child) {
  for (;;) {
    if (const auto end = child.reap()) return *end;
    (void)usleep(1000);
  }
}

void a_task_has_only_what_it_needs() {
  const ipc::Descriptor given = ipc::make_memfd("given"), secret = ipc::make_memfd("secret");
  Child child = fork_task({given.get()}, [&](int channel) {
    const bool has = fcntl(given.get(), F_GETFD) >= 0, more = fcntl(secret.get(), F_GETFD) >= 0;
    (void)ipc::send_packet(channel, std::string(has ? "given" : "") + (more ? " secret" : ""));
  });
  ipc::Packet packet;
  while (child.receive(packet, 100) == ipc::Received::nothing) (void)usleep(1000);
  CHECK_EQ(packet.bytes, "given");
  CHECK(child.is_killed());
  (void)end_of(child);
}

// One that closes its channel and stays cannot keep the service waiting.
void who_says_nothing_is_ended() {
  Child silent = fork_task({}, [](int channel) {
    close(channel);
    for (;;) pause();
  });
  ipc::Packet packet;
  while (silent.receive(packet, 100) == ipc::Received::nothing) (void)usleep(1000);
  CHECK_EQ(WTERMSIG(end_of(silent).status), SIGKILL);
  Child failing = fork_task({}, [](int) { _exit(7); });
  while (failing.receive(packet, 100) == ipc::Received::nothing) (void)usleep(1000);
  CHECK_EQ(end_of(failing).status, 7 << 8);
}

}  // namespace

int main() {
  limits_grow_with_the_module();
  a_lane_has_room_for_so_much();
  digests_are_sha_256();
  holes_are_no_size();
  answers_are_looked_at();
  the_limit_that_was_met_is_named();
  a_task_has_only_what_it_needs();
  who_says_nothing_is_ended();
  CHECK(machine_memory() > kMiB);
  return dcp::test::failures == 0 ? 0 : 1;
}
