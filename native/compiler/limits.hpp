// What compiling a module may take: bounded by the module's size, and for all modules together by the machine.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

namespace dcp::compiler {

/// For one module.
struct ModuleLimits {
  std::uint64_t memory;  ///< bytes of the process that compiles
  unsigned cpu_seconds;  ///< of all its threads together
  std::uint64_t code;    ///< bytes that come out
};

/// What the user has set for one module; nothing: by its size.
struct Overrides {
  std::optional<std::uint64_t> memory;  ///< bytes
  std::optional<unsigned> cpu_seconds;
};

/// `most`: bytes of memory that there are for it, unless `overrides` says more.
ModuleLimits module_limits(std::uint64_t module_size, std::uint64_t most, const Overrides& overrides);

/// Why a module that met its limit has no code, and what helps.
std::string too_much_memory(const ModuleLimits& limits);
std::string too_much_time(const ModuleLimits& limits);
std::string too_much_code(const ModuleLimits& limits);

/// Bytes of memory of this machine, or of the control group that this process is in.
std::uint64_t machine_memory();

/// What a kind of work may take at a time. Work of a lane waits for that of its own lane only.
class Lane {
 public:
  /// A part of it, given back at the end of its scope.
  class Share {
   public:
    Share(Lane& lane, std::uint64_t memory) : lane_(&lane), memory_(memory) {}
    Share(Share&& other) noexcept : lane_(std::exchange(other.lane_, nullptr)), memory_(other.memory_) {}
    Share& operator=(Share&& other) noexcept {
      std::swap(lane_, other.lane_);
      std::swap(memory_, other.memory_);
      return *this;
    }
    ~Share();

   private:
    Lane* lane_;
    std::uint64_t memory_;
  };

  Lane(std::size_t processes, std::uint64_t memory) : processes_(processes), memory_(memory) {}
  Lane(const Lane&) = delete;
  Lane& operator=(const Lane&) = delete;

  std::uint64_t memory() const { return memory_; }
  /// A process with so many bytes of memory; nothing while there is no room for it. One that wants more than all
  /// together may have is alone.
  std::optional<Share> take(std::uint64_t memory);

 private:
  std::size_t processes_, used_processes_ = 0;
  std::uint64_t memory_, used_memory_ = 0;
};

}  // namespace dcp::compiler
