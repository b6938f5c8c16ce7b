// What the host keeps of the sandbox's objects.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "gpu/guarded.hpp"
#include "gpu/memory_account.hpp"
#include "gpu/rehearsal.hpp"
#include "webgpu_decoder.hpp"

namespace dcp::gpu {

class Device;

/// What a submission depends on. wgpu-native panics when a submitted command uses a destroyed or mapped resource, so
/// the host knows what each command buffer uses and looks first.
struct Resource {
  virtual ~Resource() = default;
  bool destroyed = false;
  std::vector<std::shared_ptr<Resource>> parts;  ///< of a bind group
  MemoryCharge charge;
};

struct Mapping {
  enum class State { unmapped, pending, mapped };
  State state = State::unmapped;
  WGPUMapMode mode = WGPUMapMode_None;
  std::uint64_t offset = 0, size = 0;
  std::byte* block = nullptr;  ///< where the sandbox wants the bytes
  std::uint64_t serial = 0;    ///< tells a mapping from the one before
  bool of_creation = false;    ///< mappedAtCreation

  void begin(State now, WGPUMapMode how, std::uint64_t from, std::uint64_t length) {
    state = now;
    mode = how;
    offset = from;
    size = length;
    ++serial;
  }
  void end() {
    of_creation = false;
    state = State::unmapped;
    ++serial;
  }
};

struct Buffer : Resource {
  WGPUBuffer handle = nullptr;
  std::uint64_t size = 0;
  WGPUBufferUsage usage = WGPUBufferUsage_None;
  bool is_written_in_place = false;  ///< wgpu-native's has MAP_WRITE too (gpu/write_in_place.hpp)
  /// Shared with the poller, which finishes mappings. Mapped pointers are used with it in hand.
  Guarded<Mapping> mapping;
  std::atomic<std::uint64_t> refused = 0;  ///< the serial of the last mapping that wgpu-native refused
};

struct Texture : Resource {
  WGPUTextureUsage usage = WGPUTextureUsage_None;
  bool is_3d = false;
};

/// A view of which the usage has STORAGE_BINDING and is less than its texture's. wgpu-native loses that bit: there the
/// view has all of the texture's usages, and the host refuses those that it has not.
struct TextureView : Resource {
  explicit TextureView(const Functions& functions) : functions(functions) {}
  ~TextureView() override { forget_sampled(); }
  void forget_sampled() {
    if (sampled != nullptr) functions.TextureViewRelease(sampled);
    sampled = nullptr;
  }
  const Functions& functions;
  WGPUTextureUsage usage = WGPUTextureUsage_None;
  WGPUTextureView handle = nullptr;
  WGPUTextureView sampled = nullptr;  ///< the same view for sampling only; null: it may be sampled, or its texture not
};

struct QuerySet : Resource {
  bool empty = false;  ///< of no queries; wgpu-core's has one then
};

struct ShaderModule : Resource {
  /// Entry points that take more memory of a workgroup than the device allows: their bytes.
  std::unordered_map<std::string, std::uint64_t> too_large;
  std::string code;
};

/// A render pipeline with null among its vertex buffers.
struct RenderPipeline : Resource {
  std::uint32_t holes = 0;  ///< a bit for each slot that is null
};

/// What the host keeps of one encoder and its passes: the resources that its commands use, and the first command that
/// was refused.
struct Usage {
  void add(const std::shared_ptr<Resource>& resource) {
    if (seen.insert(resource.get()).second) resources.push_back(resource);
  }
  std::unordered_set<const Resource*> seen;
  std::vector<std::shared_ptr<Resource>> resources;
  std::string error;
  std::uint32_t vertex_buffers = 0;      ///< a bit for each slot of the current pass or bundle that is set
  std::uint32_t holes = 0;               ///< of its current pipeline
  std::unique_ptr<Rehearsal> rehearsal;  ///< of a render bundle encoder
};

struct Object {
  Kind kind = Kind::none;
  void* handle = nullptr;  ///< null: the object is invalid, and wgpu-native does not know it
  bool valid = false;      ///< false: creating it raised an error
  std::shared_ptr<Device> device;
  std::shared_ptr<Resource> resource;
  std::shared_ptr<Usage> usage;
  std::vector<CompilationMessage> messages;
};

using ObjectTable = std::unordered_map<std::uint32_t, Object>;

}  // namespace dcp::gpu
