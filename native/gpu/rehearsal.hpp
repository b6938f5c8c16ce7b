// A render pass in which the commands of a render bundle are tried.
//
// wgpu-native panics when it finishes a render bundle with an invalid command, and when an object that a command names
// is released before. So each command goes to a render pass over attachments of the same formats as well, which is
// never submitted: its errors come as errors, and the bundle is finished only where it has none.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "webgpu_decoder.hpp"

namespace dcp::gpu {

class Device;

class Rehearsal {
 public:
  Rehearsal(const Functions& functions, Device& device) : functions_(functions), device_(device) {}
  Rehearsal(const Rehearsal&) = delete;
  Rehearsal& operator=(const Rehearsal&) = delete;
  ~Rehearsal();

  /// Begins the pass. Returns why no bundle can have this descriptor, or nothing.
  std::string begin(const WGPURenderBundleEncoderDescriptor& descriptor);
  WGPURenderPassEncoder pass() const { return pass_; }
  /// Keeps an object until the rehearsal is destroyed.
  void keep(Kind kind, void* handle);
  /// Ends the pass. Returns its first error, or nothing.
  std::string end();

 private:
  WGPUTextureView attachment(WGPUTextureFormat format, std::uint32_t samples);
  void begin_pass(const WGPURenderBundleEncoderDescriptor& descriptor);

  const Functions& functions_;
  Device& device_;
  WGPUCommandEncoder encoder_ = nullptr;
  WGPURenderPassEncoder pass_ = nullptr;
  std::vector<std::pair<Kind, void*>> kept_;
};

}  // namespace dcp::gpu
