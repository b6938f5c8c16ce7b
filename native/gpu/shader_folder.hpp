// The folder in which this host's driver keeps compiled shaders, as its owner reaches it: it puts there what earlier
// hosts of the job have compiled, before the sandbox has a say, and looks for more when this host has ended
// (python/dcp_evaluator/gpu/shader_cache.py).
#pragma once

namespace dcp::gpu {

/// Makes the folder, and sends a byte with its descriptor; the byte alone where `kept` is false or the folder cannot be
/// made. For a sealed host, before its driver is loaded.
void send_shader_folder(int socket, bool kept);

}  // namespace dcp::gpu
