#include "gpu/commands.hpp"

namespace dcp::gpu {
namespace {

/// `set(encoder, offset, data, size)` of wgpu-native.
template <typename Command, typename Set>
void set_immediates(Call& call, const Command& command, Set set) {
  if (command.offset % 4 != 0) call.refuse("rangeOffset is not a multiple of 4");
  if (call.ready()) set(command.self, command.offset, command.data.data(), command.data.size());
  call.end();
}

}  // namespace

void compute_pass_encoder_set_immediates(Call& call, const command::ComputePassEncoderSetImmediates& command) {
  set_immediates(call, command, call.functions().ComputePassEncoderSetImmediates);
}

void render_pass_encoder_set_immediates(Call& call, const command::RenderPassEncoderSetImmediates& command) {
  set_immediates(call, command, call.functions().RenderPassEncoderSetImmediates);
}

void render_bundle_encoder_set_immediates(Call& call, const command::RenderBundleEncoderSetImmediates& command) {
  const Functions& functions = call.functions();
  set_immediates(call, command, [&](WGPURenderBundleEncoder self, auto... arguments) {
    functions.RenderPassEncoderSetImmediates(call.rehearsal(), arguments...);
    functions.RenderBundleEncoderSetImmediates(self, arguments...);
  });
}

}  // namespace dcp::gpu
