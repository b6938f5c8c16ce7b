#include "compiler/service.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <set>
#include <stdexcept>
#include <utility>

#include "binary/limits.hpp"
#include "compiler/protocol.hpp"
#include "ipc/mapping.hpp"
#include "ipc/memfd.hpp"
#include "wasmtime/engine.hpp"

namespace dcp::compiler {

namespace {

constexpr int kClaimMs = 20;                              // between two tries to claim what another evaluator compiles
constexpr int kReapMs = 5;                                // between two looks at processes that end
constexpr std::uint64_t kSmall = std::uint64_t{1} << 20;  // bytes of a module that waits for small ones only
constexpr int kWallFactor = 4;                            // time that may pass, for each second of CPU time
constexpr int kMostUnread = 8192;                         // bytes of answers that a sandbox has not taken

std::uint64_t key_of(int module, std::uint64_t size) {
  std::array<std::byte, 1024> bytes;
  return cache::content_key(size, [&](std::uint64_t at, std::size_t wanted) {
    const ssize_t got = pread(module, bytes.data(), std::min(wanted, bytes.size()), static_cast<off_t>(at));
    if (got != static_cast<ssize_t>(wanted)) throw std::runtime_error("the module cannot be read");
    return std::span<const std::byte>(bytes).first(wanted);
  });
}

ipc::Mapping map(int file, std::uint64_t size) { return {file, 0, static_cast<std::size_t>(size)}; }

void tell(int channel, char kind, std::string_view text = {}, const ipc::Descriptor& file = {}) {
  const std::string message = kind + std::string(text.substr(0, kLongestMessage - 1));
  const int fd = file.get();
  (void)ipc::send_packet(channel, message, std::span(&fd, file ? 1 : 0));
}

std::string reason_in(const ipc::Packet& answer) {
  return answer.bytes.starts_with(kFailed) ? answer.bytes.substr(1) : "one of the compiler's processes ended early";
}

}  // namespace

Service::Service(ModuleCache& cache, const isolation::Prepared& prepared, Options options)
    : cache_(cache),
      prepared_(prepared),
      options_(std::move(options)),
      look_ups_(options_.processes, UINT64_MAX),
      small_((options_.processes + 1) / 2, options_.memory / 4),
      large_((options_.processes + 1) / 2, options_.memory / 2) {}

void Service::run(int control) {
  std::vector<pollfd> polled;
  for (bool open = true; open;) {
    polled.assign(1, {control, POLLIN, 0});
    for (const auto& [fd, client] : clients_) polled.push_back({fd, POLLIN, 0});
    const std::size_t first_child = polled.size();
    std::vector<Request*> working;
    for (Request& request : requests_) {
      if (request.children.empty() || request.children.back().is_killed()) continue;
      polled.push_back({request.children.back().fd(), POLLIN, 0});
      working.push_back(&request);
    }
    if (poll(polled.data(), polled.size(), timeout()) < 0) continue;
    for (std::size_t i = first_child; i < polled.size(); ++i) {
      if (polled[i].revents != 0) take_answer(*working[i - first_child]);
    }
    end_overdue();
    reap();
    for (std::size_t i = 1; i < first_child; ++i) {
      if (polled[i].revents != 0 && clients_.contains(polled[i].fd)) serve(polled[i].fd);
    }
    if (polled[0].revents != 0) open = take_client(control);
    start_requests();
  }
}

int Service::timeout() const {
  std::int64_t least = claims_wait_ ? kClaimMs : INT32_MAX;
  const auto now = Clock::now();
  for (const Request& request : requests_) {
    if (std::ranges::any_of(request.children, &Child::is_killed)) return kReapMs;
    if (request.deadline == Clock::time_point::max()) continue;
    least = std::min(least, std::chrono::ceil<std::chrono::milliseconds>(request.deadline - now).count());
  }
  return least == INT32_MAX ? -1 : static_cast<int>(std::max<std::int64_t>(least, 0));
}

// --- Sandboxes ---

bool Service::take_client(int control) {
  ipc::Packet packet;
  std::uint64_t sandbox = 0;
  const ipc::Received state = ipc::receive_packet(control, packet, 1 + sizeof sandbox, MSG_DONTWAIT);
  if (state == ipc::Received::closed) return false;
  if (packet.bytes.size() != 1 + sizeof sandbox || packet.descriptors.size() != 1) return true;
  std::memcpy(&sandbox, packet.bytes.data() + 1, sizeof sandbox);
  const auto before = std::ranges::find_if(clients_, [&](const auto& each) { return each.second.sandbox == sandbox; });
  if (before != clients_.end()) drop(before->first);
  const int fd = packet.descriptors[0].get();
  // Descriptors on their way to one that does not take them count against all processes of the user.
  (void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &kMostUnread, sizeof kMostUnread);
  clients_.insert_or_assign(fd, Client{sandbox, std::move(packet.descriptors[0])});
  return true;
}

void Service::serve(int fd) {
  ipc::Packet packet;
  const ipc::Received state = ipc::receive_packet(fd, packet, kLongestMessage, MSG_DONTWAIT);
  if (state == ipc::Received::nothing) return;
  // A client that hangs up, or speaks out of turn.
  if (state == ipc::Received::closed || packet.bytes.empty() || clients_.at(fd).waits) return drop(fd);
  if (packet.bytes[0] == kLookup && packet.descriptors.empty()) return look_up(fd, packet.bytes);
  if (packet.bytes == "C" && packet.descriptors.size() == 1) return compile(fd, std::move(packet.descriptors[0]));
  drop(fd);
}

void Service::look_up(int fd, const std::string& message) {
  Lookup lookup;
  if (message.size() != 1 + sizeof lookup) return drop(fd);
  std::memcpy(&lookup, message.data() + 1, sizeof lookup);
  if (const auto known = cache_.candidate_at_once(lookup.key, lookup.attempt)) {
    return answer(fd, *known ? kModule : kNone, {}, known->get());
  }
  clients_.at(fd).waits = true;
  requests_.push_back({.client = fd, .key = lookup.key, .attempt = lookup.attempt});
}

void Service::compile(int fd, ipc::Descriptor module) {
  const std::int64_t size = ipc::whole_size(module.get());
  if (size <= 0 || static_cast<std::uint64_t>(size) > binary::kMostModuleBytes) return drop(fd);
  try {
    open_wasmtime();
    const auto bytes = static_cast<std::uint64_t>(size);
    const Key key{*settings_, key_of(module.get(), bytes)};
    Lane& lane = bytes <= kSmall ? small_ : large_;
    requests_.push_back({.client = fd,
                         .key = key,
                         .module = std::move(module),
                         .size = bytes,
                         .lane = &lane,
                         .limits = module_limits(bytes, lane.memory(), options_.limits)});
    clients_.at(fd).waits = true;
  } catch (const std::exception& error) {
    answer(fd, kFailed, error.what());
  }
}

// A sandbox waits for its answer, so there is room for it; one that does not is dropped.
void Service::answer(int fd, char kind, std::string_view text, int descriptor) {
  const std::string message = kind + std::string(text.substr(0, kLongestMessage - 1));
  const std::span<const int> descriptors(&descriptor, descriptor < 0 ? 0 : 1);
  clients_.at(fd).waits = false;
  if (!ipc::send_packet(fd, message, descriptors, MSG_DONTWAIT)) drop(fd);
}

void Service::drop(int fd) {
  clients_.erase(fd);
  for (Request& request : requests_) {
    if (request.client != fd) continue;
    request.client = kNobody;
    forget(request);
  }
}

// --- Requests ---

// In the order in which they came: the first one of a lane that has no room keeps the others waiting, and is not
// passed.
void Service::start_requests() {
  std::set<const Lane*> full;
  claims_wait_ = false;
  for (Request& request : requests_) {
    if (request.step != Step::unknown && request.step != Step::waiting) continue;
    const Lane* lane = request.step == Step::unknown ? &look_ups_ : request.lane;
    if (full.contains(lane)) continue;
    try {
      if (!start(request)) full.insert(lane);
    } catch (const std::exception& error) {
      give_up(request, error.what());
    }
  }
}

// False where its lane has no room for it.
bool Service::start(Request& request) {
  return request.step == Step::unknown ? start_looking(request) : start_compiling(request);
}

bool Service::start_looking(Request& request) {
  auto share = look_ups_.take(0);
  if (!share) return false;
  std::vector<int> needed = cache_.descriptors(request.key);
  if (request.module) needed.push_back(request.module.get());
  request.children.push_back(fork_task(needed, [&](int channel) {
    try {
      if (!request.module) return tell(channel, kModule, {}, cache_.candidate(request.key, request.attempt));
      const ipc::Mapping wasm = map(request.module.get(), request.size);
      if (const auto file = cache_.find(request.key, wasm.bytes())) return tell(channel, kModule, {}, file);
      const digest::Digest digest = digest::sha256(wasm.bytes());
      tell(channel, kNone, {reinterpret_cast<const char*>(digest.data()), digest.size()});
    } catch (const std::exception& error) {
      tell(channel, kFailed, error.what());
    }
  }));
  request.share = std::move(share);
  request.step = Step::looking;
  return true;
}

bool Service::start_compiling(Request& request) {
  if (is_in_work(request)) return true;
  auto share = request.lane->take(request.limits.memory);
  if (!share) {
    end_unwanted(*request.lane);
    return false;
  }
  if (!request.claim) request.claim = cache_.claim(request.key, *request.digest);
  if (!request.claim) {
    claims_wait_ = request.others_compiled = true;
  } else if (std::exchange(request.others_compiled, false)) {
    request.step = Step::unknown;  // there may be code by now
    (void)start_looking(request);  // in a later turn where there is no room
  } else {
    request.children.push_back(compiler::start_compiling(prepared_, request.limits, request.module.get()));
    request.share = std::move(share);
    request.step = Step::compiling;
    request.deadline = Clock::now() + kWallFactor * std::chrono::seconds(request.limits.cpu_seconds);
  }
  return true;
}

void Service::keep(Request& request, ipc::Descriptor code) {
  std::vector<int> needed = cache_.descriptors(request.key);
  needed.insert(needed.end(), {request.module.get(), code.get()});
  request.children.push_back(fork_task(needed, [&](int channel) {
    try {
      const ipc::Mapping made = map(code.get(), static_cast<std::uint64_t>(ipc::sealed_size(code.get())));
      const ipc::Mapping wasm = map(request.module.get(), request.size);
      tell(channel, kModule, {}, cache_.put(request.key, made.bytes(), wasm.bytes()));
    } catch (const std::exception& error) {
      tell(channel, kFailed, std::string("the compiled module cannot be kept: ") + error.what());
    }
  }));
  request.step = Step::keeping;
}

void Service::take_answer(Request& request) {
  ipc::Packet packet;
  const ipc::Received state = request.children.back().receive(packet, kLongestMessage);
  if (state == ipc::Received::nothing) return;
  request.deadline = Clock::time_point::max();
  try {
    if (request.step == Step::compiling) return take_outcome(request, state, std::move(packet));
    if (request.step == Step::looking) return take_found(request, std::move(packet));
    if (packet.bytes != "M" || packet.descriptors.size() != 1) return give_up(request, reason_in(packet));
    cache_.learn(request.key, packet.descriptors[0]);
    give_all(request, kModule, {}, packet.descriptors[0].get());
  } catch (const std::exception& error) {
    give_up(request, error.what());
  }
}

void Service::take_found(Request& request, ipc::Packet answer) {
  request.share.reset();
  if (answer.bytes == "M" && !answer.descriptors.empty()) {
    cache_.learn(request.key, answer.descriptors[0]);
    return give(request, kModule, {}, answer.descriptors[0].get());
  }
  if (!request.module) return give(request, kNone);
  digest::Digest digest;
  if (!answer.bytes.starts_with(kNone) || answer.bytes.size() != 1 + digest.size()) {
    return give_up(request, reason_in(answer));
  }
  std::memcpy(digest.data(), answer.bytes.data() + 1, digest.size());
  request.digest = digest;
  request.step = Step::waiting;
}

void Service::take_outcome(Request& request, ipc::Received state, ipc::Packet answer) {
  if (state == ipc::Received::closed) {
    request.step = Step::failing;  // how the process ended tells why
    return;
  }
  Outcome outcome = outcome_of(std::move(answer), request.limits);
  if (outcome.code) return keep(request, std::move(outcome.code));
  if (!outcome.invalid.empty()) return give_all(request, kInvalid, outcome.invalid);
  give_all(request, kFailed, outcome.failed);
}

void Service::end_overdue() {
  const auto now = Clock::now();
  for (Request& request : requests_) {
    if (now < request.deadline) continue;
    give_all(request, kFailed, too_much_time(request.limits));
  }
}

void Service::reap() {
  for (Request& request : requests_) {
    std::optional<Child::End> last;
    std::erase_if(request.children, [&](Child& child) {
      const auto end = child.is_killed() ? child.reap() : std::nullopt;
      if (end && &child == &request.children.back()) last = end;
      return end.has_value();
    });
    if (request.step == Step::failing && last) give_all(request, kFailed, reason_of(*last, request.limits));
  }
  std::erase_if(requests_, [](const Request& each) { return each.step == Step::done && each.children.empty(); });
}

// The answer of all who wait for this module.
void Service::give_all(Request& request, char kind, std::string_view text, int descriptor) {
  const auto digest = request.digest;
  give(request, kind, text, descriptor);
  for (Request& other : requests_) {
    if (other.step == Step::waiting && other.digest == digest) give(other, kind, text, descriptor);
  }
}

// This time there is no answer, which another request may get.
void Service::give_up(Request& request, const std::string& reason) {
  if (!request.module) return give(request, kNone);
  give(request, kFailed, reason);
}

// The answer of a request, which ends it.
void Service::give(Request& request, char kind, std::string_view text, int descriptor) {
  request.step = Step::done;
  request.claim.reset();
  request.deadline = Clock::time_point::max();
  for (Child& child : request.children) child.kill();
  const int client = std::exchange(request.client, kNobody);
  if (client != kNobody) answer(client, kind, text, descriptor);
}

// Its sandbox has gone. What has been begun on a large module goes on, one at a time: the next who asks finds it.
void Service::forget(Request& request) {
  const auto is_left = [this](const Request& each) { return each.step == Step::compiling && !is_wanted(each); };
  const bool goes_on = request.lane == &large_ && request.step == Step::compiling;
  if (request.step == Step::keeping || is_wanted(request)) return;
  if (!goes_on || std::ranges::count_if(requests_, is_left) > 1) give_up(request, {});
}

bool Service::is_wanted(const Request& request) const {
  return request.client != kNobody || std::ranges::any_of(requests_, [&](const Request& other) {
           return other.step == Step::waiting && other.client != kNobody && other.digest == request.digest;
         });
}

// Whether another request for the same module will have its answer.
bool Service::is_in_work(const Request& request) const {
  return std::ranges::any_of(requests_, [&](const Request& other) {
    return other.step > Step::waiting && other.step < Step::done && other.digest == request.digest;
  });
}

// Where others wait for their turn, nothing goes on that nobody asks for.
void Service::end_unwanted(const Lane& lane) {
  for (Request& request : requests_) {
    if (request.lane == &lane && request.step == Step::compiling && !is_wanted(request)) give_up(request, {});
  }
}

// Without a thread: the process forks.
void Service::open_wasmtime() {
  if (settings_) return;
  wasmtime::open_library(options_.library);
  wasm_config_t* config = wasmtime::code_settings();
  wasmtime::wt.wasmtime_config_parallel_compilation_set(config, false);
  settings_ = wasmtime::fingerprint(wasmtime::make_engine(config).get());
}

}  // namespace dcp::compiler
