// A device of the sandbox: its wgpu-native handles, its error scopes, its poller.
//
// Error scopes are kept here and not in wgpu-native: its own panic on an empty stack and on the "internal" filter, and
// an uncaptured error is how the host learns that a call has failed.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "gpu/gpu_timer.hpp"
#include "gpu/poller.hpp"
#include "gpu/replies.hpp"
#include "gpu/visitors.hpp"
#include "webgpu_decoder.hpp"

namespace dcp::gpu {

/// An error of the device timeline; `type` is never NoError.
struct DeviceError {
  WGPUErrorType type;
  std::string message;
};

class Device {
 public:
  Device(std::uint32_t id, const Functions& functions, ReplyWriter& replies);
  ~Device();
  /// What wgpu-native made, and what its callbacks need as long as it lives; `visit`: of the server, for the poller's
  /// thread. Call once.
  void adopt(WGPUDevice handle, WGPUQueue queue, BusyClock& clock, std::shared_ptr<void> callback_data,
             std::unique_ptr<Watchdog> watchdog, std::shared_ptr<GpuTimer> timer, Visitors::Visit visit);

  std::uint32_t id() const { return id_; }
  WGPUDevice handle() const { return handle_; }
  WGPUQueue queue() const { return queue_; }
  Poller& poller() { return *poller_; }
  const std::shared_ptr<Poller>& shared_poller() { return poller_; }
  /// Ends the device: it is lost, and has no handles and no poller any more. Its thread ends once the GPU is done.
  void end();
  bool ended() const { return poller_ == nullptr; }
  bool lost() const { return lost_; }
  void set_lost() { lost_ = true; }

  /// An error of wgpu-native or of the host: goes to the innermost scope that wants it, else to the sandbox.
  void report(WGPUErrorType type, std::string message);
  void report_lost(std::string_view message);

  /// Before a call; failure() then tells whether the call has raised an error.
  void begin_call();
  const std::optional<DeviceError>& failure() const { return failure_; }
  /// Between these two, errors are only kept as failure().
  void begin_capture();
  std::optional<DeviceError> end_capture();

  void push_scope(WGPUErrorFilter filter);
  /// False where there is no scope.
  bool pop_scope(std::optional<DeviceError>& error);

  /// What stands for a vertex buffer of null.
  WGPUBuffer empty_vertex_buffer();
  /// What stands for a bind group layout of null.
  WGPUBindGroupLayout empty_bind_group_layout();

  GpuTimer* timer() const { return timer_.get(); }

  bool is_software = false;               ///< its memory is the machine's
  bool writes_in_place = false;           ///< its buffers can be mapped whatever their usage (gpu/write_in_place.hpp)
  bool has_timestamp_queries = false;     ///< whether the sandbox asked for them
  bool checks_workgroup_storage = false;  ///< whether it has a shader with ZeroingShader::checks_size
  bool texture_write_failed = false;      ///< a part of the last writeTexture was refused
  bool writes_pending = false;            ///< writeBuffer since the last submission
  std::uint64_t staged_bytes = 0;         ///< of writeBuffer since all was known to be complete
  std::uint64_t bytes_pending = 0;        ///< of the writes that are pending

 private:
  struct Scope {
    WGPUErrorFilter filter;
    std::optional<DeviceError> error;
  };

  const std::uint32_t id_;
  const Functions& functions_;
  ReplyWriter& replies_;
  WGPUDevice handle_ = nullptr;
  WGPUQueue queue_ = nullptr;
  WGPUBuffer empty_vertex_buffer_ = nullptr;
  WGPUBindGroupLayout empty_bind_group_layout_ = nullptr;
  std::shared_ptr<Poller> poller_;
  std::shared_ptr<GpuTimer> timer_;  ///< null: no timestamps
  std::atomic<bool> lost_ = false;
  std::mutex mutex_;
  std::atomic<std::thread::id> caller_ = std::this_thread::get_id();  ///< carries out commands
  bool capturing_ = false;
  std::optional<DeviceError> failure_;
  std::vector<Scope> scopes_;
};

/// wgpu-native's report without its frame: "GPUDevice.createBuffer: Invalid usage flags ...".
std::string clean_message(std::string_view text);

std::string_view view(WGPUStringView text);

/// The scopes that want such an error.
WGPUErrorFilter filter_of(WGPUErrorType type);

}  // namespace dcp::gpu
