#include "fake_handles.hpp"

#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <utility>

namespace dcp::fuzz {

State& state() {
  static State* made = new State;  // threads may outlive main
  return *made;
}

thread_local const void* device_of_call = nullptr;

[[noreturn]] void fail(const char* what) {
  std::fprintf(stderr, "the decoder handed over %s\n", what);
  std::abort();
}

void* make_handle() {
  State& s = state();
  const std::lock_guard lock(s.mutex);
  auto handle = std::make_unique<Handle>();
  handle->device = device_of_call;
  void* address = handle.get();
  s.live.emplace(address, std::move(handle));
  return address;
}

Handle* known(const void* address) {
  State& s = state();
  const std::lock_guard lock(s.mutex);
  const auto found = s.live.find(address);
  if (found == s.live.end()) fail(address == nullptr ? "null for an object" : "a handle that is not alive");
  return found->second.get();
}

Handle* callee(const void* address) {
  Handle* handle = known(address);
  device_of_call = handle->device;
  return handle;
}

void release(void* address) {
  State& s = state();
  const std::lock_guard lock(s.mutex);
  const auto found = s.live.find(address);
  if (found == s.live.end()) fail("a handle to release that is not alive");
  if (--found->second->references > 0) return;
  if (found->second->device == address && --s.devices == 0) s.released.notify_all();
  s.live.erase(found);
}

void add_reference(void* address) { ++known(address)->references; }

bool fails(bool always) {
  State& s = state();
  WGPUErrorType type;
  WGPUUncapturedErrorCallbackInfo callback;
  {
    const std::lock_guard lock(s.mutex);
    const auto device = s.live.find(device_of_call);
    if ((++s.calls % 7 != 0 && !always) || device == s.live.end()) return false;
    type = s.calls % 2 == 0 ? WGPUErrorType_Validation : WGPUErrorType_OutOfMemory;
    callback = device->second->on_error;
  }
  constexpr std::string_view text = "Validation Error\n\nCaused by:\n  In wgpuDeviceCreateBuffer, label = 'x'\n    no";
  callback.callback(nullptr, type, {text.data(), text.size()}, callback.userdata1, callback.userdata2);
  return true;
}

}  // namespace dcp::fuzz
