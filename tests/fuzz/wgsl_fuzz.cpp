// Text as WGSL: what comes out keeps its lines, is not much longer, says the same of sizes when it is read again, and
// has nothing of workgroups added where nothing of them is mentioned.
#include <algorithm>
#include <cstdlib>
#include <string_view>

#include "gpu/workgroup_memory.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view code(reinterpret_cast<const char*>(data), size);
  constexpr std::uint32_t limit = 16384;
  const dcp::gpu::ZeroingShader shader = dcp::gpu::zero_workgroup_memory(code, limit);
  if (!shader.refusal.empty()) return 0;
  if (!dcp::gpu::mentions_workgroup_variables(code) && shader.code.size() != size) std::abort();
  if (shader.code.size() > 4 * size + (std::size_t{8} << 20)) std::abort();
  if (std::ranges::count(shader.code, '\n') < std::ranges::count(code, '\n')) std::abort();
  const dcp::gpu::ZeroingShader again = dcp::gpu::zero_workgroup_memory(shader.code, limit);
  if (again.refusal.empty() && again.too_large != shader.too_large) std::abort();
  return 0;
}
