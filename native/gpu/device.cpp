#include "gpu/device.hpp"

#include <algorithm>
#include <cctype>
#include <cstring>

#include "gpu/violation.hpp"

namespace dcp::gpu {
namespace {

constexpr std::size_t kDeepestScopes = 1u << 20;  // as in webgpu-device.js

/// "wgpuDeviceCreateBuffer, label = 'x'" -> "GPUDevice.createBuffer"
std::string operation_name(std::string_view function) {
  function = function.substr(0, function.find(','));
  if (!function.starts_with("wgpu")) return std::string(function);
  function.remove_prefix(4);
  std::string_view owner;
  for (const char* name : kKindNames) {
    const std::string_view kind = std::string_view(name).substr(std::min<std::size_t>(3, std::strlen(name)));
    if (kind.size() > owner.size() && function.starts_with(kind)) owner = kind;
  }
  std::string method(function.substr(owner.size()));
  if (!method.empty()) method[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(method[0])));
  return "GPU" + std::string(owner) + "." + method;
}

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    lines.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

}  // namespace

WGPUErrorFilter filter_of(WGPUErrorType type) {
  if (type == WGPUErrorType_Validation) return WGPUErrorFilter_Validation;
  return type == WGPUErrorType_OutOfMemory ? WGPUErrorFilter_OutOfMemory : WGPUErrorFilter_Internal;
}

std::string_view view(WGPUStringView text) {
  if (text.data == nullptr) return {};
  return {text.data, text.length == WGPU_STRLEN ? std::strlen(text.data) : text.length};
}

std::string clean_message(std::string_view text) {
  constexpr std::string_view frame = "Validation Error\n\nCaused by:\n";
  if (text.starts_with(frame)) text.remove_prefix(frame.size());
  std::string prefix, body;
  std::size_t indent = std::string_view::npos;
  std::vector<std::string_view> lines = lines_of(text);
  if (!lines.empty() && lines[0].starts_with("  In ")) {
    prefix = operation_name(lines[0].substr(5)) + ": ";
    lines.erase(lines.begin());
  }
  for (const std::string_view line : lines) indent = std::min(indent, line.find_first_not_of(' '));
  if (indent == std::string_view::npos) indent = 0;
  if (!lines.empty() && lines[0].size() > indent && lines[0][indent] != ' ')
    indent = std::min(indent, lines[0].find_first_not_of(' '));
  for (const std::string_view line : lines) {
    body += line.substr(std::min(indent, line.size()));
    body += '\n';
  }
  const std::size_t first = body.find_first_not_of(" \n");
  const std::size_t last = body.find_last_not_of(" \n");
  return prefix + (first == std::string::npos ? "" : body.substr(first, last - first + 1));
}

Device::Device(std::uint32_t id, const Functions& functions, ReplyWriter& replies)
    : id_(id), functions_(functions), replies_(replies) {}

Device::~Device() { end(); }

void Device::end() {
  set_lost();
  if (empty_vertex_buffer_ != nullptr) functions_.BufferRelease(empty_vertex_buffer_);
  if (empty_bind_group_layout_ != nullptr) functions_.BindGroupLayoutRelease(empty_bind_group_layout_);
  empty_vertex_buffer_ = nullptr;
  empty_bind_group_layout_ = nullptr;
  timer_.reset();
  if (poller_) poller_->stop();
  poller_.reset();  // it releases the handles
  handle_ = nullptr;
  queue_ = nullptr;
}

void Device::adopt(WGPUDevice handle, WGPUQueue queue, BusyClock& clock, std::shared_ptr<void> callback_data,
                   std::unique_ptr<Watchdog> watchdog, std::shared_ptr<GpuTimer> timer, Visitors::Visit visit) {
  handle_ = handle;
  queue_ = queue;
  timer_ = std::move(timer);
  poller_ = std::make_shared<Poller>(functions_, handle, queue_, clock, std::move(callback_data), std::move(watchdog),
                                     timer_);
  poller_->start(std::move(visit));
}

WGPUBuffer Device::empty_vertex_buffer() {
  if (empty_vertex_buffer_ == nullptr) {
    WGPUBufferDescriptor descriptor = WGPU_BUFFER_DESCRIPTOR_INIT;
    descriptor.size = 4;
    descriptor.usage = WGPUBufferUsage_Vertex;
    empty_vertex_buffer_ = functions_.DeviceCreateBuffer(handle_, &descriptor);
  }
  return empty_vertex_buffer_;
}

WGPUBindGroupLayout Device::empty_bind_group_layout() {
  if (empty_bind_group_layout_ == nullptr) {
    const WGPUBindGroupLayoutDescriptor descriptor = WGPU_BIND_GROUP_LAYOUT_DESCRIPTOR_INIT;
    empty_bind_group_layout_ = functions_.DeviceCreateBindGroupLayout(handle_, &descriptor);
  }
  return empty_bind_group_layout_;
}

void Device::report(WGPUErrorType type, std::string message) {
  const std::lock_guard lock(mutex_);
  const bool of_call = std::this_thread::get_id() == caller_;
  if (of_call && !failure_) failure_ = DeviceError{type, message};
  if (of_call && capturing_) return;
  const WGPUErrorFilter filter = filter_of(type);
  for (auto scope = scopes_.rbegin(); scope != scopes_.rend(); ++scope) {
    if (scope->filter != filter) continue;
    if (!scope->error) scope->error = DeviceError{type, std::move(message)};
    return;
  }
  replies_.send(reply::UncapturedError{id_, filter, std::move(message)});
}

void Device::report_lost(std::string_view message) {
  if (lost_.exchange(true)) return;
  replies_.send(reply::DeviceLost{id_, std::string(message)});
}

void Device::begin_call() {
  caller_ = std::this_thread::get_id();
  failure_.reset();
}

void Device::begin_capture() {
  failure_.reset();
  capturing_ = true;
}

std::optional<DeviceError> Device::end_capture() {
  capturing_ = false;
  return failure_;
}

void Device::push_scope(WGPUErrorFilter filter) {
  const std::lock_guard lock(mutex_);
  if (scopes_.size() >= kDeepestScopes) throw Violation("more error scopes than any client has");
  scopes_.push_back({filter, std::nullopt});
}

bool Device::pop_scope(std::optional<DeviceError>& error) {
  const std::lock_guard lock(mutex_);
  if (scopes_.empty()) return false;
  error = std::move(scopes_.back().error);
  scopes_.pop_back();
  return true;
}

}  // namespace dcp::gpu
