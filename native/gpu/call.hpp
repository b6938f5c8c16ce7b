// One command while it is carried out: a bounds-checked reader of its words, the objects that it names, and what
// becomes of its result. Every reader throws Violation for what no client of ours sends.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "gpu/objects.hpp"
#include "webgpu_decoder.hpp"

namespace dcp::gpu {

class Server;

class Call {
 public:
  /// `command` starts with its header word.
  Call(Server& server, std::span<const std::uint32_t> command) : server_(server), words_(command) {}

  std::uint32_t u32();
  /// The next word, without taking it.
  std::uint32_t peek() const { return position_ < words_.size() ? words_[position_] : 0; }
  std::uint16_t u16();
  std::int32_t i32() { return static_cast<std::int32_t>(u32()); }
  std::uint64_t u64();
  float f32();
  double f64();
  bool boolean();
  /// The length of a sequence: at most the words that are left.
  std::uint32_t count();
  /// A copy of a string, valid UTF-8, that lives as long as the call.
  WGPUStringView string();
  /// A sequence of numbers, as they lie among the words.
  std::span<const std::uint32_t> words();
  /// Bytes that lie among the words; they live as long as the command.
  std::span<const std::byte> bytes();
  /// `count` bytes of the heap, as they are: they can change while they are looked at.
  std::byte* heap(std::uint64_t offset, std::uint64_t count);
  /// Exactly one of `flags`.
  std::uint64_t flag(std::uint64_t flags);
  Kind kind();
  /// A number for each limit of the IDL; the largest of those that share one of webgpu.h.
  WGPULimits limits();
  void skip(std::uint32_t words);
  /// Throws: a value that no client sends.
  [[noreturn]] void bad_value(const char* what) const { violation(what); }
  template <typename Enum, std::size_t size>
  Enum enumerated(const Enum (&values)[size], Enum missing) {
    const std::uint32_t index = u32();
    if (index >= size || values[index] == missing) bad_enum(index);
    return values[index];
  }
  /// As enumerated(), or `null` for 0xFFFFFFFF.
  template <typename Enum, std::size_t size>
  Enum enumerated_or(const Enum (&values)[size], Enum missing, Enum null) {
    if (peek() != UINT32_MAX) return enumerated(values, missing);
    u32();
    return null;
  }
  /// A number that is given; webgpu.h has the largest for one that is not, so that one is refused.
  std::uint32_t defined_u32(const char* name);
  /// Zeroed memory for `count` structs; it lives as long as the call.
  template <typename T>
  T* make(std::uint32_t count) {
    static_assert(std::is_trivially_destructible_v<T>);
    return reinterpret_cast<T*>(allocate(count * sizeof(T)));
  }

  /// The handle of an object. Null where the object is invalid; the call is then refused.
  void* object(Kind kind);
  void* object_or_null(Kind kind);
  /// The id of an object that is there, valid or not.
  std::uint32_t id(Kind kind);

  /// The object that the command is called on.
  void* self(Kind kind);
  Object& self_entry() { return *self_; }
  /// Reads the id of the object that the command makes.
  void result(Kind kind);
  std::uint32_t result_id() const { return result_id_; }
  /// All words are read. What follows may call wgpu-native where ready() says so.
  void finish();
  bool ready() const { return ready_ && refusal_.empty(); }
  /// The command is valid and does nothing.
  void skip_call() { ready_ = false; }
  /// The command becomes this validation error; that of an encoder's command comes with its finish().
  void refuse(std::string message);
  /// Refuses the finish() of an encoder of which a command was refused.
  void refuse_failed_encoder();
  /// wgpu-native has panicked in the call: an error of the device, and a line of the log (gpu/compilers.hpp).
  void compiler_panicked(const std::string& text);
  /// The handle of the result.
  void produce(void* handle);
  /// Raises the error of a refused command and registers its result.
  void end();
  /// Ends the life of the object that the command was called on.
  void consume_self();
  /// Attaches what a later submission has to look at.
  void set_resource(std::shared_ptr<Resource> resource) { resource_ = std::move(resource); }
  /// The rehearsal of the render bundle encoder that the command makes.
  void set_rehearsal(std::unique_ptr<Rehearsal> rehearsal) { rehearsal_ = std::move(rehearsal); }
  /// The pass in which a command of a render bundle encoder is tried.
  WGPURenderPassEncoder rehearsal() { return self_->usage->rehearsal->pass(); }
  /// What the last object that the command names depends on; null: nothing.
  const Resource* last_used() const { return used_.empty() ? nullptr : used_.back().get(); }
  /// What the objects that the command has named so far depend on.
  std::span<const std::shared_ptr<Resource>> used() const { return used_; }
  /// The buffer of that handle, which the command has named.
  const Buffer& buffer(WGPUBuffer handle) const;
  Object* made() { return made_; }

  Server& server() { return server_; }
  const Functions& functions() const;
  Device& device() { return *device_; }
  const std::shared_ptr<Device>& shared_device() { return device_; }

 private:
  [[noreturn]] void violation(const std::string& what) const;
  [[noreturn]] void bad_enum(std::uint32_t index) const;
  std::byte* allocate(std::size_t size);
  Object& find(std::uint32_t id, Kind kind);
  void link_usage(Object& result);
  void report_refusal();
  std::string operation() const;
  std::vector<const ShaderModule*> shaders() const;

  Server& server_;
  std::span<const std::uint32_t> words_;
  std::size_t position_ = 1;
  std::uint64_t heap_strings_ = 0;  ///< bytes copied; a client's strings lie side by side
  std::vector<std::unique_ptr<std::byte[]>> memory_;
  std::vector<std::shared_ptr<Resource>> used_;
  std::shared_ptr<Device> device_;
  Object* self_ = nullptr;
  std::uint32_t self_id_ = 0;
  std::uint32_t result_id_ = 0;
  Kind result_kind_ = Kind::none;
  Object* made_ = nullptr;
  std::shared_ptr<Resource> resource_;
  std::unique_ptr<Rehearsal> rehearsal_;
  bool ready_ = false;
  bool finishes_encoder_ = false;
  std::string refusal_;
};

/// Whether `text` is UTF-8 without surrogates and overlong forms.
bool is_utf8(std::string_view text);

}  // namespace dcp::gpu
