#include "gpu/call.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>
#include <type_traits>

#include "digest/sha256.hpp"
#include "gpu/server.hpp"
#include "gpu/violation.hpp"

namespace dcp::gpu {

void Call::violation(const std::string& what) const {
  const std::uint32_t opcode = message_type(words_[0]);
  throw Violation(std::string(opcode < kOpcodeCount ? kOpcodeNames[opcode] : "command") + ": " + what);
}

void Call::bad_enum(std::uint32_t index) const { violation("enum value " + std::to_string(index)); }

const Functions& Call::functions() const { return server_.functions(); }

std::uint32_t Call::u32() {
  if (position_ >= words_.size()) violation("too short");
  return words_[position_++];
}

std::uint16_t Call::u16() {
  const std::uint32_t value = u32();
  if (value > 0xFFFF) violation("a 16-bit number of " + std::to_string(value));
  return static_cast<std::uint16_t>(value);
}

std::uint64_t Call::u64() {
  const std::uint64_t low = u32();
  return low | static_cast<std::uint64_t>(u32()) << 32;
}

float Call::f32() { return std::bit_cast<float>(u32()); }

double Call::f64() { return std::bit_cast<double>(u64()); }

bool Call::boolean() {
  const std::uint32_t value = u32();
  if (value > 1) violation("a boolean of " + std::to_string(value));
  return value == 1;
}

std::uint32_t Call::count() {
  const std::uint32_t value = u32();
  if (value > words_.size() - position_) violation("a sequence of " + std::to_string(value));
  return value;
}

std::uint32_t Call::defined_u32(const char* name) {
  const std::uint32_t value = u32();
  if (value == UINT32_MAX) refuse(std::string(name) + " is out of range");
  return value;
}

void Call::skip(std::uint32_t words) {
  for (std::uint32_t i = 0; i < words; ++i) u32();
}

std::span<const std::uint32_t> Call::words() {
  const std::uint32_t length = count();
  const auto found = words_.subspan(position_, length);
  position_ += length;
  return found;
}

std::span<const std::byte> Call::bytes() {
  const std::uint32_t size = u32();
  const std::uint32_t words = size / 4 + (size % 4 != 0);
  const auto found = std::as_bytes(words_.subspan(position_));
  skip(words);
  return found.first(size);
}

std::uint64_t Call::flag(std::uint64_t flags) {
  const std::uint32_t value = u32();
  if (!std::has_single_bit(value) || (value & flags) == 0) violation("a flag of " + std::to_string(value));
  return value;
}

Kind Call::kind() {
  const std::uint32_t value = u32();
  if (value == 0 || value >= kKindCount) violation("kind " + std::to_string(value));
  return static_cast<Kind>(value);
}

WGPULimits Call::limits() {
  WGPULimits limits = WGPU_LIMITS_INIT;
  for_each_limit(limits, [](auto& field) { field = 0; });
  for_each_limit(limits, [this](auto& field) {
    using Number = std::remove_reference_t<decltype(field)>;
    const std::uint64_t value = u64();
    if (value > std::numeric_limits<Number>::max()) violation("a limit of " + std::to_string(value));
    field = std::max(field, static_cast<Number>(value));
  });
  return limits;
}

std::byte* Call::heap(std::uint64_t offset, std::uint64_t count) {
  const std::uint64_t size = server_.region().heap_size();
  if (offset > size || count > size - offset) {
    violation("heap range " + std::to_string(offset) + " + " + std::to_string(count));
  }
  return server_.region().heap() + offset;
}

std::byte* Call::allocate(std::size_t size) {
  memory_.push_back(std::make_unique<std::byte[]>(std::max<std::size_t>(size, 1)));
  return memory_.back().get();
}

WGPUStringView Call::string() {
  const std::uint32_t first = u32();
  const std::uint32_t length = first & ~kStringInHeap;
  const void* source = nullptr;
  if (first & kStringInHeap) {
    source = heap(u32(), length);
    heap_strings_ += length;
    if (heap_strings_ > server_.region().heap_size()) violation("strings that together are larger than the heap");
  } else {
    const std::size_t words = (static_cast<std::size_t>(length) + 3) / 4;
    if (words > words_.size() - position_) violation("a string of " + std::to_string(length) + " bytes");
    source = words_.data() + position_;
    position_ += words;
  }
  std::byte* copy = allocate(length);
  std::memcpy(copy, source, length);
  const WGPUStringView text{reinterpret_cast<const char*>(copy), length};
  if (!is_utf8({text.data, text.length})) violation("a string that is not UTF-8");
  return text;
}

Object& Call::find(std::uint32_t id, Kind kind) {
  const auto found = server_.objects().find(id);
  if (found == server_.objects().end() || found->second.kind != kind) {
    violation("no " + std::string(kKindNames[static_cast<std::size_t>(kind)]) + " with id " + std::to_string(id));
  }
  return found->second;
}

std::uint32_t Call::id(Kind kind) {
  const std::uint32_t found = u32();
  find(found, kind);
  return found;
}

void* Call::object(Kind kind) {
  Object& found = find(u32(), kind);
  if (found.resource) used_.push_back(found.resource);
  const auto* queries = kind == Kind::query_set ? dynamic_cast<const QuerySet*>(found.resource.get()) : nullptr;
  if (queries != nullptr && queries->empty) refuse("GPUQuerySet has no queries");
  if (!found.valid) refuse(std::string(kKindNames[static_cast<std::size_t>(kind)]) + " is invalid");
  if (found.device != device_)
    refuse(std::string(kKindNames[static_cast<std::size_t>(kind)]) + " is of another device");
  if (found.valid && self_ != nullptr && self_->usage && self_->usage->rehearsal) {
    self_->usage->rehearsal->keep(kind, found.handle);
  }
  return found.handle;
}

const Buffer& Call::buffer(WGPUBuffer handle) const {
  for (const auto& resource : used_) {
    const auto* found = dynamic_cast<const Buffer*>(resource.get());
    if (found != nullptr && found->handle == handle) return *found;
  }
  violation("a buffer that was not named");
}

void* Call::object_or_null(Kind kind) {
  if (position_ < words_.size() && words_[position_] == 0) {
    ++position_;
    return nullptr;
  }
  return object(kind);
}

void* Call::self(Kind kind) {
  self_id_ = u32();
  self_ = &find(self_id_, kind);
  device_ = self_->device;
  if (self_->handle == nullptr) refuse(std::string(kKindNames[static_cast<std::size_t>(kind)]) + " is invalid");
  return self_->handle;
}

void Call::result(Kind kind) {
  result_id_ = u32();
  result_kind_ = kind;
  if (result_id_ == 0 || server_.objects().contains(result_id_))
    violation("id " + std::to_string(result_id_) + " is taken");
}

void Call::finish() {
  if (position_ != words_.size()) violation("too long");
  ready_ = device_ != nullptr && !device_->lost();
  if (device_) device_->begin_call();
}

void Call::refuse(std::string message) {
  if (refusal_.empty()) refusal_ = message.empty() ? "invalid" : std::move(message);
}

void Call::link_usage(Object& result) {
  switch (result.kind) {
    case Kind::command_encoder:
    case Kind::render_bundle_encoder:
      result.usage = std::make_shared<Usage>();
      result.usage->rehearsal = std::move(rehearsal_);
      break;
    case Kind::render_bundle:
      result.resource = std::make_shared<Resource>();
      result.resource->parts = self_->usage->resources;
      break;
    case Kind::texture_view:
      result.resource = resource_ ? std::move(resource_) : self_->resource;
      break;
    case Kind::render_pass_encoder:
      self_->usage->vertex_buffers = self_->usage->holes = 0;
      [[fallthrough]];
    case Kind::compute_pass_encoder:
    case Kind::command_buffer:
      result.usage = self_->usage;
      break;
    case Kind::bind_group:
      result.resource = std::make_shared<Resource>();
      result.resource->parts = used_;
      break;
    default:
      result.resource = std::move(resource_);
  }
}

void Call::produce(void* handle) {
  const bool valid = device_ == nullptr || !device_->failure();  // an adapter has no device
  Object made{result_kind_, handle, valid, device_, nullptr, nullptr, {}};
  link_usage(made);
  made_ = &server_.add(result_id_, std::move(made));
}

void Call::refuse_failed_encoder() {
  finishes_encoder_ = true;
  if (self_->usage && !self_->usage->error.empty()) refusal_ = self_->usage->error;
}

std::string Call::operation() const {
  std::string name = kOpcodeNames[message_type(words_[0])];
  std::replace(name.begin(), name.end(), '_', '.');
  return name;
}

std::vector<const ShaderModule*> Call::shaders() const {
  std::vector<const ShaderModule*> found;
  const auto add = [&found](const Resource* resource) {
    if (const auto* shader = dynamic_cast<const ShaderModule*>(resource)) found.push_back(shader);
  };
  add(resource_.get());
  for (const auto& resource : used_) add(resource.get());
  return found;
}

void Call::compiler_panicked(const std::string& text) {
  std::string log = operation() + ": panic in wgpu-native: " + text + "; shader";
  const bool parsing = result_kind_ == Kind::shader_module;
  bool has_pointers = false;
  for (const ShaderModule* shader : shaders()) {
    log += " sha256 " + digest::hexadecimal(digest::sha256(std::as_bytes(std::span(shader->code))));
    has_pointers |= !parsing && shader->code.find("ptr") != std::string::npos;
  }
  server_.log(log);
  // What a module's text says is either valid or not. A pipeline fails for a shader of which naga has not seen that it
  // is not valid: one that gives a function a pointer to a part of a variable; or for naga's own faults.
  std::string message = operation() + ": the shader compiler has failed: " + text;
  if (has_pointers) message += "; it does not support unrestricted_pointer_parameters";
  device_->report(parsing || has_pointers ? WGPUErrorType_Validation : WGPUErrorType_Internal, std::move(message));
}

void Call::report_refusal() {
  const bool deferred = self_ != nullptr && self_->usage && !finishes_encoder_;
  if (finishes_encoder_ && self_->usage && !self_->usage->error.empty()) {
    return device_->report(WGPUErrorType_Validation, refusal_);  // it names its own command
  }
  std::string message = operation() + ": " + refusal_;
  if (!deferred) return device_->report(WGPUErrorType_Validation, std::move(message));
  if (self_->usage->error.empty()) self_->usage->error = std::move(message);
}

void Call::end() {
  if (!refusal_.empty() && device_ && !device_->lost()) report_refusal();
  if (self_ != nullptr && self_->usage) {
    for (const auto& resource : used_) self_->usage->add(resource);
  }
  if (result_id_ != 0 && made_ == nullptr) {
    Object made{result_kind_, nullptr, false, device_, nullptr, nullptr, {}};
    link_usage(made);
    made_ = &server_.add(result_id_, std::move(made));
  }
}

void Call::consume_self() {
  server_.remove(self_id_);
  self_ = nullptr;
}

}  // namespace dcp::gpu
