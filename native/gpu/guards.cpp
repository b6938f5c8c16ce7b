#include "gpu/guards.hpp"

#include <string>
#include <vector>

#include "gpu/device.hpp"
#include "gpu/write_in_place.hpp"

namespace dcp::gpu {
namespace {

constexpr WGPUBufferUsage kBufferUsages = 0x3FF;
constexpr WGPUShaderStage kShaderStages = WGPUShaderStage_Vertex | WGPUShaderStage_Fragment | WGPUShaderStage_Compute;

int kinds_of(const WGPUBindGroupLayoutEntry& entry) {
  return (entry.buffer.type != WGPUBufferBindingType_BindingNotUsed) +
         (entry.sampler.type != WGPUSamplerBindingType_BindingNotUsed) +
         (entry.texture.sampleType != WGPUTextureSampleType_BindingNotUsed) +
         (entry.storageTexture.access != WGPUStorageTextureAccess_BindingNotUsed);
}

/// wgpu-native allows any of them on a device that writes in place.
void guard_mappable_usage(Call& call, WGPUBufferUsage usage) {
  const bool reads = (usage & WGPUBufferUsage_MapRead) != 0, writes = (usage & WGPUBufferUsage_MapWrite) != 0;
  if (reads && (usage & ~(WGPUBufferUsage_MapRead | WGPUBufferUsage_CopyDst)) != 0) {
    call.refuse("usage has MAP_READ and more than COPY_DST beside it");
  }
  if (writes && (usage & ~(WGPUBufferUsage_MapWrite | WGPUBufferUsage_CopySrc)) != 0) {
    call.refuse("usage has MAP_WRITE and more than COPY_SRC beside it");
  }
}

enum Resource { sampler, texture, texture_view, buffer, buffer_binding, external_texture };

}  // namespace

void guard_create_buffer(Call& call, WGPUBufferDescriptor* descriptor) {
  if ((descriptor->usage & ~kBufferUsages) != 0) call.refuse("usage has bits that GPUBufferUsage does not define");
  auto made = std::make_shared<Buffer>();
  made->size = descriptor->size;
  made->usage = descriptor->usage;
  guard_mappable_usage(call, descriptor->usage);
  descriptor->usage = usage_for_writes(call.device(), descriptor->usage, descriptor->size);
  made->is_written_in_place = descriptor->usage != made->usage;
  // guard_resolve_query_set() clears it.
  if ((descriptor->usage & WGPUBufferUsage_QueryResolve) != 0) descriptor->usage |= WGPUBufferUsage_CopyDst;
  if (descriptor->mappedAtCreation) {
    made->mapping.use([&](Mapping& mapping) {
      mapping.begin(Mapping::State::mapped, WGPUMapMode_Write, 0, descriptor->size);
      mapping.of_creation = true;
    });
  }
  if (call.ready()) {
    const std::uint64_t size = descriptor->size;
    charge_memory(call, *made, {"GPUDevice.createBuffer", size, [size](const WGPULimits& limits) {
                                  return size <= limits.maxBufferSize;
                                }});
  }
  call.set_resource(std::move(made));
}

void guard_create_bind_group_layout(Call& call, const WGPUBindGroupLayoutDescriptor* descriptor) {
  for (std::size_t i = 0; i < descriptor->entryCount; ++i) {
    const WGPUBindGroupLayoutEntry& entry = descriptor->entries[i];
    const std::string where = "entries[" + std::to_string(i) + "]";
    if (kinds_of(entry) != 1) {
      call.refuse(where + " must have exactly one of buffer, sampler, texture, storageTexture, externalTexture");
    }
    if ((entry.visibility & ~kShaderStages) != 0) {
      call.refuse(where + ".visibility has bits that GPUShaderStage does not define");
    }
    if (entry.buffer.minBindingSize == WGPU_WHOLE_SIZE) call.refuse(where + ".buffer.minBindingSize is out of range");
  }
}

void guard_create_pipeline_layout(Call& call, const WGPUPipelineLayoutDescriptor* descriptor) {
  // wgpu-native takes no null; an empty layout means the same.
  auto* layouts = const_cast<WGPUBindGroupLayout*>(descriptor->bindGroupLayouts);
  for (std::size_t i = 0; i < descriptor->bindGroupLayoutCount; ++i) {
    if (layouts[i] == nullptr) layouts[i] = call.device().empty_bind_group_layout();
  }
}

namespace {

/// Whether a view is bound for sampling, which its usage does not allow: whether a view for sampling fits as well. The
/// layout of a pipeline is not known here.
bool is_sampled(Call& call, const WGPUBindGroupDescriptor& descriptor, const TextureView& view) {
  std::vector<WGPUBindGroupEntry> entries(descriptor.entries, descriptor.entries + descriptor.entryCount);
  for (WGPUBindGroupEntry& entry : entries) {
    if (entry.textureView == view.handle) entry.textureView = view.sampled;
  }
  WGPUBindGroupDescriptor other = descriptor;
  other.entries = entries.data();
  call.device().begin_capture();
  auto* group = call.functions().DeviceCreateBindGroup(static_cast<WGPUDevice>(call.self_entry().handle), &other);
  const bool fits = !call.device().end_capture();
  call.device().begin_call();
  if (group != nullptr) call.functions().BindGroupRelease(group);
  return fits;
}

}  // namespace

void guard_create_bind_group(Call& call, const WGPUBindGroupDescriptor* descriptor) {
  for (std::size_t i = 0; i < descriptor->entryCount; ++i) {
    const WGPUBindGroupEntry& entry = descriptor->entries[i];
    const std::string where = "entries[" + std::to_string(i) + "].resource";
    if (entry.buffer != nullptr && entry.size == 0) call.refuse(where + ".size is 0");
    if (entry.buffer == nullptr && entry.sampler == nullptr && entry.textureView == nullptr) {
      call.refuse(where + " is invalid");
    }
  }
  for (const auto& resource : call.used()) {
    if (!call.ready()) return;
    const auto* view = dynamic_cast<const TextureView*>(resource.get());
    if (view == nullptr || view->sampled == nullptr || !is_sampled(call, *descriptor, *view)) continue;
    call.refuse("the usage of a view that is sampled lacks TEXTURE_BINDING");
  }
}

void guard_create_compute_pipeline(Call& call, const WGPUComputePipelineDescriptor* descriptor) {
  for (const auto& resource : call.used()) {
    const auto* module = dynamic_cast<const ShaderModule*>(resource.get());
    if (module == nullptr) continue;
    const auto found = module->too_large.find(std::string(view(descriptor->compute.entryPoint)));
    if (found == module->too_large.end()) continue;
    call.refuse("the entry point's workgroup variables take " + std::to_string(found->second) +
                " bytes, more than maxComputeWorkgroupStorageSize");
  }
}

void guard_create_query_set(Call& call, WGPUQuerySetDescriptor* descriptor) {
  auto made = std::make_shared<QuerySet>();
  made->empty = descriptor->count == 0;
  if (made->empty) descriptor->count = 1;
  call.set_resource(std::move(made));
  // The host has the feature for itself where the adapter has it.
  if (descriptor->type == WGPUQueryType_Timestamp && !call.device().has_timestamp_queries) {
    call.refuse("the device has no feature timestamp-query");
  }
}

void guard_copy_destination(Call& call, WGPUBuffer buffer) {
  if ((call.buffer(buffer).usage & WGPUBufferUsage_CopyDst) == 0) call.refuse("the buffer's usage lacks COPY_DST");
}

void guard_copy_buffer_to_buffer(Call& call, WGPUBuffer, std::uint64_t, WGPUBuffer destination, std::uint64_t,
                                 std::uint64_t) {
  guard_copy_destination(call, destination);
}

// Drivers leave the place of a query that nothing has written as it is; it is to be zero.
void guard_resolve_query_set(Call& call, WGPUQuerySet, std::uint32_t, std::uint32_t count, WGPUBuffer handle,
                             std::uint64_t offset) {
  const Buffer& buffer = call.buffer(handle);
  const std::uint64_t size = std::uint64_t{count} * sizeof(std::uint64_t);
  const bool fits = offset % 256 == 0 && offset <= buffer.size && size <= buffer.size - offset;
  if (count == 0 || !fits || (buffer.usage & WGPUBufferUsage_QueryResolve) == 0) return;  // wgpu-core's to refuse
  auto* encoder = static_cast<WGPUCommandEncoder>(call.self_entry().handle);
  call.functions().CommandEncoderClearBuffer(encoder, handle, offset, size);
}

// wgpu-native takes a size of 0 for the rest of the buffer.
void guard_clear_buffer(Call& call, WGPUBuffer handle, std::uint64_t offset, std::uint64_t size) {
  guard_copy_destination(call, handle);
  if (size != 0) return;
  if (offset % 4 != 0) call.refuse("offset is not a multiple of 4");
  if (offset > call.buffer(handle).size) call.refuse("offset is outside of the buffer");
  if (!call.ready()) return;
  // Nothing is cleared, and an encoder with an open pass refuses it as it would refuse to clear.
  call.functions().CommandEncoderInsertDebugMarker(static_cast<WGPUCommandEncoder>(call.self_entry().handle), {"", 0});
  call.skip_call();
}

void read_binding_resource(Call& call, WGPUBindGroupEntry& out) {
  switch (call.u32()) {
    case sampler:
      out.sampler = static_cast<WGPUSampler>(call.object(Kind::sampler));
      return;
    case texture_view:
      out.textureView = static_cast<WGPUTextureView>(call.object(Kind::texture_view));
      return;
    case buffer:
      out.buffer = static_cast<WGPUBuffer>(call.object(Kind::buffer));
      return;
    case buffer_binding:
      out.buffer = static_cast<WGPUBuffer>(call.object(Kind::buffer));
      out.offset = call.u64();
      if (call.boolean()) out.size = call.u64();
      return;
    case texture:
      call.bad_value("a texture as binding resource: the client binds a view of it");
    case external_texture:
      call.object(Kind::external_texture);
      return call.refuse("external textures are not supported");
    default:
      call.bad_value("binding resource");
  }
}

}  // namespace dcp::gpu
