#include "wasm/regions.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <cstdint>

namespace dcp::wasm {

using wasmtime::wt;

struct Regions::Region {
  Regions* owner;
  std::byte* data;
  std::size_t size;      // bytes that the guest can reach
  std::size_t capacity;  // bytes that it can grow to in place
  std::size_t mapped;    // capacity and guard
  std::size_t holds;     // wasmtime's, and buffers'
};

namespace {

constexpr const char* kTooMany =
    "the sandbox has too many linear memories in use; keep an instance and use it again, or drop it";
constexpr const char* kNoneLeft =
    "the sandbox's limit of linear memory is reached; use fewer or smaller memories at a time, or raise the limit";

std::size_t to_pages(std::size_t bytes) {
  constexpr std::size_t kPage = 4096;
  return (bytes + kPage - 1) / kPage * kPage;
}

}  // namespace

void Regions::attach(wasm_config_t* config) {
  wasmtime_memory_creator_t creator = {};
  creator.env = this;
  creator.new_memory = create;
  creator.finalizer = nullptr;
  wt.wasmtime_config_host_memory_creator_set(config, &creator);
}

bool Regions::reserve(std::size_t bytes) {
  if (limit_ != 0 && (bytes > limit_ || used_ > limit_ - bytes)) return false;
  used_ += bytes;
  return true;
}

std::size_t Regions::refuse(const char* reason) {
  refused_ = true;
  on_refused_();
  return reinterpret_cast<std::size_t>(wt.wasmtime_error_new(reason));
}

std::size_t Regions::create(void* env, wasm_memorytype_t*, std::size_t minimum, std::size_t, std::size_t reserved,
                            std::size_t guard, wasmtime_linear_memory_t* out) {
  auto& self = *static_cast<Regions*>(env);
  if (self.count_ == kMostRegions) return self.refuse(kTooMany);
  if (!self.reserve(minimum)) return self.refuse(kNoneLeft);
  const std::size_t capacity = to_pages(std::max(minimum, reserved));
  const std::size_t mapped = capacity + to_pages(guard);
  void* data = mmap(nullptr, mapped, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (data == MAP_FAILED) {
    self.used_ -= minimum;
    return self.refuse("no address space is left for a linear memory");
  }
  if (minimum != 0 && mprotect(data, to_pages(minimum), PROT_READ | PROT_WRITE) != 0) {
    munmap(data, mapped);
    self.used_ -= minimum;
    return self.refuse("the kernel has no memory for a linear memory");
  }
  ++self.count_;
  ++self.made_;
  auto* region = new Region{&self, static_cast<std::byte*>(data), minimum, capacity, mapped, 1};
  self.by_data_.emplace(data, region);
  out->env = region;
  out->get_memory = look;
  out->grow_memory = grow;
  out->finalizer = destroy;
  return 0;
}

std::size_t Regions::look(void* env, std::size_t* size, std::size_t* capacity) {
  const auto& region = *static_cast<Region*>(env);
  *size = region.size;
  *capacity = region.capacity;
  return reinterpret_cast<std::size_t>(region.data);
}

std::size_t Regions::grow(void* env, std::size_t size) {
  auto& region = *static_cast<Region*>(env);
  Regions& self = *region.owner;
  if (size < region.size || size > region.capacity) return self.refuse("the linear memory cannot grow in place");
  if (!self.reserve(size - region.size)) return self.refuse("the sandbox's limit of linear memory is reached");
  if (mprotect(region.data, to_pages(size), PROT_READ | PROT_WRITE) != 0) {
    self.used_ -= size - region.size;
    return self.refuse("the kernel has no memory for a linear memory");
  }
  region.size = size;
  self.grown_ = true;
  return 0;
}

void Regions::destroy(void* env) { let_go(nullptr, 0, env); }

void* Regions::hold(void* data) {
  const auto found = by_data_.find(data);
  if (found == by_data_.end()) return nullptr;
  ++found->second->holds;
  return found->second;
}

void Regions::let_go(void*, std::size_t, void* hold) {
  auto* region = static_cast<Region*>(hold);
  if (region != nullptr && --region->holds == 0) unmap(region);
}

void Regions::unmap(Region* region) {
  Regions& owner = *region->owner;
  owner.used_ -= region->size;
  --owner.count_;
  owner.by_data_.erase(region->data);
  munmap(region->data, region->mapped);
  delete region;
}

}  // namespace dcp::wasm
