#include "compiler/service.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <cstring>
#include <stdexcept>
#include <utility>

#include "binary/limits.hpp"
#include "compiler/protocol.hpp"
#include "wasmtime/engine.hpp"

namespace dcp::compiler {

namespace {

constexpr int kClaimMs = 20;  // between two tries to claim a module that another evaluator compiles

}  // namespace

Service::Service(ModuleCache& cache, const isolation::Prepared& prepared, std::string library, std::size_t most)
    : cache_(cache), prepared_(prepared), library_(std::move(library)), most_(most) {}

void Service::run(int control) {
  std::vector<pollfd> polled;
  for (bool open = true; open;) {
    polled.assign(1, {control, POLLIN, 0});
    for (const auto& [fd, socket] : clients_) polled.push_back({fd, POLLIN, 0});
    const std::size_t first_job = polled.size();
    for (const Job& job : jobs_) {
      if (job.process) polled.push_back({job.process->fd(), POLLIN, 0});
    }
    const bool others_compile = std::ranges::any_of(jobs_, [](const Job& job) { return !job.process; });
    if (poll(polled.data(), polled.size(), others_compile ? kClaimMs : -1) < 0) continue;
    const auto ready = [](const pollfd& entry) { return entry.revents != 0; };
    std::vector<int> done, talking;
    for (std::size_t i = 1; i < polled.size(); ++i) {
      if (ready(polled[i])) (i < first_job ? talking : done).push_back(polled[i].fd);
    }
    for (Job& job : jobs_) {
      if (job.process && std::ranges::count(done, job.process->fd()) != 0) finish(job);
    }
    forget_jobs();  // before anybody joins one that is done
    for (const int client : talking) serve(client);
    forget_jobs();
    if (ready(polled[0])) open = take_client(control);
    start_jobs();
  }
}

bool Service::take_client(int control) {
  ipc::Packet packet;
  const ipc::Received state = ipc::receive_packet(control, packet, 1, MSG_DONTWAIT);
  if (state == ipc::Received::closed) return false;
  for (ipc::Descriptor& socket : packet.descriptors) {
    const int fd = socket.get();
    clients_.insert_or_assign(fd, std::move(socket));
  }
  return true;
}

void Service::serve(int client) {
  ipc::Packet packet;
  const ipc::Received state = ipc::receive_packet(client, packet, kLongestMessage, MSG_DONTWAIT);
  if (state == ipc::Received::nothing) return;
  const bool waits =
      std::ranges::any_of(jobs_, [&](const Job& job) { return std::ranges::count(job.waiting, client); });
  // A client that hangs up, or speaks out of turn.
  if (state == ipc::Received::closed || packet.bytes.empty() || waits) return drop(client);
  if (packet.bytes[0] == kLookup && packet.descriptors.empty()) return look_up(client, packet.bytes);
  if (packet.bytes == "C" && packet.descriptors.size() == 1) return compile(client, std::move(packet.descriptors[0]));
  drop(client);
}

void Service::look_up(int client, const std::string& message) {
  Lookup lookup;
  if (message.size() != 1 + sizeof lookup) return drop(client);
  std::memcpy(&lookup, message.data() + 1, sizeof lookup);
  const ipc::Descriptor file = cache_.candidate(lookup.key, lookup.attempt);
  if (file) return answer(client, kModule, {}, file.get());
  answer(client, kNone);
}

void Service::compile(int client, ipc::Descriptor file) {
  const std::int64_t size = ipc::sealed_size(file.get());
  if (size <= 0 || static_cast<std::uint64_t>(size) > binary::kMostModuleBytes) return drop(client);
  try {
    open_wasmtime();
    ipc::Mapping wasm(file.get(), 0, static_cast<std::size_t>(size));
    const Key key{*settings_, cache::content_key(wasm.bytes())};
    if (const ipc::Descriptor known = cache_.find(key, wasm.bytes())) return answer(client, kModule, {}, known.get());
    const auto same = [&](const Job& job) {
      return job.key == key && job.wasm.bytes().size() == wasm.bytes().size() &&
             std::memcmp(job.wasm.bytes().data(), wasm.bytes().data(), wasm.bytes().size()) == 0;
    };
    if (const auto job = std::ranges::find_if(jobs_, same); job != jobs_.end()) return job->waiting.push_back(client);
    jobs_.push_back({key, std::move(file), std::move(wasm), {client}, nullptr, {}});
  } catch (const std::exception& error) {
    answer(client, kFailed, error.what());
  }
}

void Service::start_jobs() {
  auto running = static_cast<std::size_t>(std::ranges::count_if(jobs_, [](const Job& job) { return !!job.process; }));
  for (Job& job : jobs_) {
    if (job.process || running >= most_) continue;
    try {
      if (start(job)) ++running;
    } catch (const std::exception& error) {
      give(job, kFailed, error.what());
    }
  }
  forget_jobs();
}

// Where nobody waits any more the process ends, and the claim.
void Service::forget_jobs() {
  std::erase_if(jobs_, [](const Job& job) { return job.waiting.empty(); });
}

// False where another evaluator compiles the module, or has just done so.
bool Service::start(Job& job) {
  auto claim = cache_.claim(job.key);
  if (!claim) return false;
  if (const ipc::Descriptor known = cache_.find(job.key, job.wasm.bytes())) {
    give(job, kModule, {}, known.get());
    return false;
  }
  job.claim = std::move(*claim);
  job.process = std::make_unique<CompileProcess>(prepared_, job.file.get());
  return true;
}

void Service::finish(Job& job) {
  CompileProcess::Outcome outcome = job.process->outcome();
  job.process.reset();
  if (!outcome.code) {
    const bool invalid = !outcome.invalid.empty();
    return give(job, invalid ? kInvalid : kFailed, invalid ? outcome.invalid : outcome.failed);
  }
  try {
    const auto size = static_cast<std::size_t>(ipc::sealed_size(outcome.code.get()));
    const ipc::Mapping code(outcome.code.get(), 0, size);
    give(job, kModule, {}, cache_.put(job.key, code.bytes(), job.wasm.bytes()).get());
  } catch (const std::exception& error) {
    give(job, kFailed, std::string("the compiled module cannot be kept: ") + error.what());
  }
}

// The answer of all who wait.
void Service::give(Job& job, char kind, std::string_view text, int descriptor) {
  const std::vector<int> waiting = std::exchange(job.waiting, {});
  for (const int client : waiting) answer(client, kind, text, descriptor);
}

// A sandbox waits for its answer, so there is room for it; one that does not is dropped.
void Service::answer(int client, char kind, std::string_view text, int descriptor) {
  const std::string message = kind + std::string(text.substr(0, kLongestMessage - 1));
  const std::span<const int> descriptors(&descriptor, descriptor < 0 ? 0 : 1);
  if (!ipc::send_packet(client, message, descriptors, MSG_DONTWAIT)) drop(client);
}

void Service::drop(int client) {
  for (Job& job : jobs_) std::erase(job.waiting, client);
  clients_.erase(client);
}

// Without a thread: the process forks.
void Service::open_wasmtime() {
  if (settings_) return;
  wasmtime::open_library(library_);
  wasm_config_t* config = wasmtime::code_settings();
  wasmtime::wt.wasmtime_config_parallel_compilation_set(config, false);
  settings_ = wasmtime::fingerprint(wasmtime::make_engine(config).get());
}

}  // namespace dcp::compiler
