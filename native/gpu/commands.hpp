// The commands that are written by hand. Their payloads, after the header word, stand at each function in
// commands_*.cpp; the sandbox's side is runtime/js/webgpu*.js.
#pragma once

#include <cstdint>

#include "gpu/call.hpp"

namespace dcp::gpu {

void request_adapter(Call& call);
void request_device(Call& call);
void destroy_device(Call& call);

void create_shader_module(Call& call);
void get_compilation_info(Call& call);
void create_compute_pipeline_async(Call& call);
void create_render_pipeline_async(Call& call);

void push_error_scope(Call& call);
void pop_error_scope(Call& call);
void inject_error(Call& call);
void create_invalid(Call& call);
void release(Call& call);
void ping(Call& call);

void map_buffer(Call& call);
void unmap_buffer(Call& call);
void destroy_buffer(Call& call);

void destroy_texture(Call& call);
void write_texture(Call& call);

void write_buffer(Call& call);
void submit(Call& call);
void on_submitted_work_done(Call& call);
void destroy_query_set(Call& call);
void set_immediates(Call& call);

/// Before writeBuffer and writeTexture. wgpu-native keeps what they bring until the next submission is complete: at
/// most the sandbox's staging memory is kept, then the sandbox waits.
void stage_bytes(Call& call, std::uint64_t size);

/// Submits what writeBuffer has left pending, so that it is part of what is awaited next.
void flush_writes(Call& call);

}  // namespace dcp::gpu
