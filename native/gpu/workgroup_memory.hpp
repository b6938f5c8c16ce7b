// The memory of workgroups, which WebGPU has as zeros and within a limit. wgpu-native asks for neither, so the text of
// the shader does.
//
// Each compute entry point calls a function first, in the line of its "{", that the invocations of the workgroup share:
// it sets the variables to zero that the entry point reaches, and waits for all. It stands behind the text, where names
// mean what they mean for the declarations of the variables.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>

namespace dcp::gpu {

/// Whether a shader can have workgroup variables; few that have none do.
bool mentions_workgroup_variables(std::string_view code);

struct ZeroingShader {
  std::string code;
  std::string refusal;  ///< why there is no code
  /// Entry points that take more than the limit whatever the constants are: their bytes.
  std::unordered_map<std::string, std::uint64_t> too_large;
  /// Whether some take what only a pipeline's constants say. Their pipelines fail with kTooLarge beyond the limit.
  bool checks_size = false;
};

/// wgpu-core's words for what `ZeroingShader::code` does beyond the limit.
inline constexpr std::string_view kTooLarge = "value of `low` is greater than `high` for clamp built-in function";

/// `limit`: the device's maxComputeWorkgroupStorageSize in bytes.
ZeroingShader zero_workgroup_memory(std::string_view code, std::uint32_t limit);

}  // namespace dcp::gpu
