#include "sandbox/spawner.hpp"

#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>

#include "ipc/packet.hpp"
#include "isolation/descriptors.hpp"

namespace dcp::sandbox {
namespace {

constexpr int kSealMs = 5000;  // a loaded machine; sealing itself takes about a millisecond
constexpr std::string_view kSealed = "s", kChannels = "c";

/// The zygote's signal handling is not the sandbox's; the handlers of the WebAssembly runtime stay.
void restore_signals() {
  sigset_t none;
  sigemptyset(&none);
  (void)sigprocmask(SIG_SETMASK, &none, nullptr);
  (void)signal(SIGHUP, SIG_DFL);
  (void)signal(SIGCHLD, SIG_DFL);
}

/// The life of a sandbox process.
[[noreturn]] void run_child(Sandbox& sandbox, const isolation::Prepared& prepared, int channel) {
  restore_signals();
  (void)prctl(PR_SET_NAME, "dcp-sandbox", 0, 0, 0);
  const std::string missing = isolation::refusal(prepared, isolation::seal(prepared, channel));
  if (!missing.empty()) {
    (void)send(isolation::kKept, missing.data(), missing.size(), MSG_NOSIGNAL);
    _exit(1);
  }
  ipc::Packet given;
  if (!ipc::send_packet(isolation::kKept, kSealed) ||
      ipc::receive_packet(isolation::kKept, given, 1) != ipc::Received::packet || given.descriptors.size() != 3) {
    _exit(0);  // the zygote is gone
  }
  (void)close(isolation::kKept);
  auto& fds = given.descriptors;
  _exit(sandbox.serve(Channels{fds[0].release(), fds[1].release(), fds[2].release()}));
}

}  // namespace

Spawner::Spare Spawner::make() {
  try {
    const isolation::Forked forked = isolation::fork_isolated(prepared_);
    if (forked.process == 0) run_child(sandbox_, prepared_, forked.channel);
    return {forked.process, Descriptor(forked.channel)};
  } catch (const std::runtime_error& error) {
    throw SpawnError(error.what());
  }
}

void Spawner::await_sealed(Spare& spare) {
  pollfd waiting{spare.handoff.get(), POLLIN, 0};
  char text[512];
  int ready = 0;
  do {
    ready = poll(&waiting, 1, kSealMs);
  } while (ready < 0 && errno == EINTR);
  const ssize_t size = ready == 1 ? recv(spare.handoff.get(), text, sizeof text, 0) : -1;
  if (size == 1 && text[0] == kSealed[0]) return;
  (void)kill(spare.process, SIGKILL);
  if (size > 0) throw SpawnError("not isolated: " + std::string(text, static_cast<std::size_t>(size)));
  throw SpawnError(ready == 0 ? "isolation took too long" : "the process ended while it was isolated");
}

pid_t Spawner::spawn(const Channels& channels) {
  refused_ = false;
  const int descriptors[] = {channels.in, channels.out, channels.service_socket};
  std::string reason = "no spare";
  // Spares first; one that died meanwhile is passed over. Then a fresh one, which must do.
  for (bool fresh = false; !fresh;) {
    fresh = spares_.empty();
    if (fresh) spares_.push_back(make());
    Spare spare = std::move(spares_.front());
    spares_.pop_front();
    try {
      await_sealed(spare);
      if (ipc::send_packet(spare.handoff.get(), kChannels, descriptors)) return spare.process;
      reason = std::string("the channels cannot be handed over: ") + std::strerror(errno);
      (void)kill(spare.process, SIGKILL);
    } catch (const SpawnError& error) {
      reason = error.what();
    }
  }
  throw SpawnError(reason);
}

void Spawner::refill() {
  try {
    spares_.push_back(make());
  } catch (const SpawnError&) {
    refused_ = true;  // the next spawn tries again and reports
  }
}

bool Spawner::forget(pid_t process) {
  const auto spare = std::find_if(spares_.begin(), spares_.end(), [&](const Spare& s) { return s.process == process; });
  if (spare == spares_.end()) return false;
  spares_.erase(spare);
  refused_ = true;
  return true;
}

void Spawner::kill_spares() {
  for (const Spare& spare : spares_) (void)kill(spare.process, SIGKILL);
  spares_.clear();
}

}  // namespace dcp::sandbox
