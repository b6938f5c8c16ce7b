#include "gpu/server.hpp"

#include <time.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <string>
#include <utility>

#include "gpu/violation.hpp"
#include "gpu_places.hpp"

namespace dcp::gpu {
namespace {

constexpr std::size_t kMostObjects = 1u << 20;
// Each has three threads: its poller, its watchdog, the driver's. The host may have 512 (isolation/gpu_host.cpp).
constexpr std::size_t kMostDevices = 128;
constexpr std::size_t kMostEndingDevices = 8;
constexpr std::size_t kMostLines = 16;
constexpr std::size_t kLongestLine = 4096;

/// How long the machine has been suspended in all.
std::chrono::nanoseconds slept() {
  timespec with{}, without{};
  clock_gettime(CLOCK_MONOTONIC, &without);
  clock_gettime(CLOCK_BOOTTIME, &with);
  return std::chrono::seconds(with.tv_sec - without.tv_sec) + std::chrono::nanoseconds(with.tv_nsec - without.tv_nsec);
}

/// Whether wgpu-native or the driver may compile a shader before the call returns.
bool compiles(Opcode opcode) {
  switch (opcode) {
    case Opcode::createShaderModule:
    case Opcode::createComputePipelineAsync:
    case Opcode::createRenderPipelineAsync:
    case Opcode::GPUDevice_createComputePipeline:
    case Opcode::GPUDevice_createRenderPipeline:
      return true;
    default:
      return false;
  }
}

/// Whether a command takes so little time that what was begun before is not handed over for it.
bool only_asks(Opcode opcode) { return opcode == Opcode::mapBuffer || opcode == Opcode::onSubmittedWorkDone; }

/// Null where the object is no view, or one of which the host keeps nothing.
TextureView* texture_view(const Object& object) {
  return object.kind == Kind::texture_view ? dynamic_cast<TextureView*>(object.resource.get()) : nullptr;
}

}  // namespace

Server::Server(const Functions& functions, std::vector<WGPUAdapter> adapters, Region& region, Limits limits, End end,
               Log log, BusyClock::Tell busy)
    : functions_(functions),
      adapters_(std::move(adapters)),
      region_(region),
      replies_(region, [this] { end_after_sleep(); }),
      clock_(region.header(), std::move(busy)),
      limits_(limits),
      end_(std::move(end)),
      log_(std::move(log)),
      slept_before_(slept()),
      memory_(std::make_shared<MemoryAccount>(limits.memory, region.header(), limits.software_memory)) {}

Server::~Server() {
  while (!objects_.empty()) remove(objects_.begin()->first);
}

void Server::track(const std::shared_ptr<Device>& device) {
  const std::lock_guard lock(devices_mutex_);
  std::erase_if(devices_, [](const auto& other) { return other.expired(); });
  devices_.push_back(device);
}

void Server::attend(const std::shared_ptr<Poller>& poller) {
  if (std::ranges::find(attended_, poller) == attended_.end()) attended_.push_back(poller);
}

bool Server::look() {
  std::erase_if(attended_, [](const auto& poller) { return !poller->look(); });
  return !attended_.empty();
}

void Server::hand_over() {
  for (const auto& poller : attended_) poller->hand_over();
  attended_.clear();
}

bool Server::has_room_for_device() {
  std::size_t live = 0;
  {
    const std::lock_guard lock(devices_mutex_);
    for (const auto& entry : devices_) {
      const auto device = entry.lock();
      live += device && !device->ended();
    }
  }
  threads_.wait_for(live + kMostEndingDevices);
  return live < kMostDevices;
}

void Server::end(Device& device) {
  for (auto& [id, object] : objects_) {
    if (object.device.get() != &device) continue;
    release(object);
    object.valid = false;
    if (object.resource) object.resource->charge.release();
    if (object.usage) object.usage->rehearsal.reset();
  }
  device.end();
}

void Server::lose_devices(std::string_view reason) {
  replies_.be_last_words();
  const std::lock_guard lock(devices_mutex_);
  for (const auto& entry : devices_) {
    if (const auto device = entry.lock()) device->report_lost(reason);
  }
}

void Server::hung(std::string_view what) {
  const double seconds = std::chrono::duration<double>(limits_.timeout).count();
  char text[160];
  std::snprintf(text, sizeof text, "%.*s did not finish within %g s, the limit of this evaluator",
                static_cast<int>(what.size()), what.data(), seconds);
  lose_devices(text);
  end_("a submission or compilation took too long");
}

void Server::compiler_panicked(const std::string& text) {
  if (call_ != nullptr) call_->compiler_panicked(text);
}

void Server::log(std::string line) {
  if (++logged_ > kMostLines) return;
  line.resize(std::min(line.size(), kLongestLine));
  std::ranges::replace_if(line, [](unsigned char c) { return c < ' ' || c == 0x7F; }, '?');
  log_(logged_ == kMostLines ? line + " (the last that is told)" : line);
}

// Some drivers lose the GPU's memory then, and do not tell: a wrong result would be worse than none.
void Server::end_after_sleep() {
  if (slept() - slept_before_ < std::chrono::seconds(places::kShortestSleep)) return;
  lose_devices("the machine was suspended");
  end_("the machine was suspended");
}

void Server::execute(std::span<const std::uint32_t> command) {
  const std::uint32_t type = message_type(command[0]);
  if (type == 0 || type >= kOpcodeCount) throw Violation("no command " + std::to_string(type));
  const auto opcode = static_cast<Opcode>(type);
  if (!only_asks(opcode)) hand_over();
  Call call(*this, command);
  call_ = &call;
  if (compiles(opcode) && limits_.timeout != Limits{}.timeout) {
    compile(opcode, call);
  } else {
    carry_out(opcode, call);
  }
  call_ = nullptr;
}

void Server::compile(Opcode opcode, Call& call) {
  if (!compiling_) compiling_ = std::make_unique<Watchdog>(limits_.timeout, [this] { hung("a compilation"); });
  compiling_->begin();
  carry_out(opcode, call);
  compiling_->end();
}

Object& Server::add(std::uint32_t id, Object object) {
  if (objects_.size() >= kMostObjects) throw Violation("more than " + std::to_string(kMostObjects) + " objects");
  if (object.kind == Kind::buffer && object.resource) {
    auto& buffer = static_cast<Buffer&>(*object.resource);
    buffer.handle = static_cast<WGPUBuffer>(object.handle);
    if (!object.valid) buffer.mapping.use([](Mapping& mapping) { mapping.end(); });
  }
  if (TextureView* view = texture_view(object)) view->handle = static_cast<WGPUTextureView>(object.handle);
  if (!object.valid && object.resource) object.resource->charge.release();
  const auto [place, added] = objects_.try_emplace(id, std::move(object));
  if (id == 0 || !added) throw Violation("id " + std::to_string(id) + " is taken");
  return place->second;
}

void Server::remove(std::uint32_t id) {
  const auto found = objects_.find(id);
  if (found == objects_.end()) return;
  Object object = std::move(found->second);
  objects_.erase(found);
  release(object);
}

void Server::release(Object& object) {
  void* const handle = std::exchange(object.handle, nullptr);
  // Adapters are borrowed; a device's handles belong to its poller.
  const bool owned = object.kind != Kind::adapter && object.kind != Kind::device && object.kind != Kind::queue;
  if (!owned || handle == nullptr) return;
  if (TextureView* view = texture_view(object)) view->forget_sampled();
  if (object.kind != Kind::buffer) return release_handle(functions_, object.kind, handle);
  static_cast<Buffer&>(*object.resource).mapping.use([&](Mapping& mapping) {
    mapping.end();
    release_handle(functions_, object.kind, handle);
  });
}

}  // namespace dcp::gpu
