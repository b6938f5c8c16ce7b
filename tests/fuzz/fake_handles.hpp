// Handles of the fake wgpu-native: which are alive, and on which device they were made.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "webgpu_decoder.hpp"

namespace dcp::fuzz {

struct Handle {
  int references = 1;
  const void* device = nullptr;  // that it was made on; its own address for a device
  std::vector<std::byte> bytes;  // of a buffer
  WGPUUncapturedErrorCallbackInfo on_error{};
};

struct State {
  std::mutex mutex;
  std::condition_variable released;
  std::map<const void*, std::unique_ptr<Handle>> live;
  int devices = 0;
  unsigned calls = 0;
};

State& state();
/// The device of the object that a function was last called on, on this thread.
extern thread_local const void* device_of_call;

[[noreturn]] void fail(const char* what);

/// The address is one that nothing else has while the handle lives.
void* make_handle();
Handle* known(const void* address);
/// The object that a function is called on.
Handle* callee(const void* address);
void release(void* address);
void add_reference(void* address);
/// Every seventh call fails, as one of wgpu-native can.
bool fails(bool always = false);

}  // namespace dcp::fuzz
