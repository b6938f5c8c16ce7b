#include "compiler/limits.hpp"

#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <thread>

namespace dcp::compiler {

namespace {

constexpr std::uint64_t kMiB = std::uint64_t{1} << 20;
// wasmtime takes 4 KiB for each function, even for one of 6 bytes. Large modules have larger ones: Pandoc, of 58 MB
// with half a million functions, takes 132 bytes of memory for each of its own, and Pyodide, of 10 MB, 45.
constexpr std::uint64_t kMemory = 256 * kMiB, kMemoryPerThread = 8 * kMiB, kMemoryPerByte = 200;
constexpr std::uint64_t kSmallFunctions = 4 * kMiB, kMemoryPerByteOfThese = 1024;
constexpr std::uint64_t kCode = 4 * kMiB, kCodePerByte = 128;  // valid modules reach 64
constexpr unsigned kSeconds = 600, kSecondsPerMiB = 30;

std::string in_mib(std::uint64_t bytes) { return std::to_string(bytes / kMiB) + " MiB"; }

}  // namespace

ModuleLimits module_limits(std::uint64_t module_size, std::uint64_t most, const Overrides& overrides) {
  const std::uint64_t threads = std::thread::hardware_concurrency();  // as many as wasmtime starts
  const std::uint64_t by_size = kMemory + kMemoryPerThread * threads + kMemoryPerByte * module_size +
                                kMemoryPerByteOfThese * std::min(module_size, kSmallFunctions);
  const auto seconds = kSeconds + kSecondsPerMiB * static_cast<unsigned>(module_size / kMiB);
  return {overrides.memory.value_or(std::min(by_size, most)), overrides.cpu_seconds.value_or(seconds),
          kCode + kCodePerByte * module_size};
}

std::string too_much_memory(const ModuleLimits& limits) {
  return "compiling it takes more than " + in_mib(limits.memory) + " of memory, its limit here" +
         " (DCP_EVALUATOR_COMPILE_MIB sets another)";
}

std::string too_much_time(const ModuleLimits& limits) {
  return "compiling it takes more than " + std::to_string(limits.cpu_seconds) + " s of CPU time, its limit" +
         " (DCP_EVALUATOR_COMPILE_SECONDS sets another)";
}

std::string too_much_code(const ModuleLimits& limits) {
  return "its code would be larger than " + in_mib(limits.code) + ", the limit for a module of its size";
}

std::uint64_t machine_memory() {
  std::uint64_t bytes =
      static_cast<std::uint64_t>(sysconf(_SC_PHYS_PAGES)) * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
  std::string line;
  for (std::ifstream groups("/proc/self/cgroup"); std::getline(groups, line);) {
    if (!line.starts_with("0::/")) continue;
    // The group's own limit and those of the groups that it is in.
    for (std::string path = line.substr(3);; path.erase(path.rfind('/'))) {
      std::uint64_t limit = 0;
      if (std::ifstream("/sys/fs/cgroup" + path + "/memory.max") >> limit) bytes = std::min(bytes, limit);
      if (path.empty()) break;
    }
  }
  return bytes;
}

Lane::Share::~Share() {
  if (lane_ == nullptr) return;
  lane_->used_processes_ -= 1;
  lane_->used_memory_ -= memory_;
}

std::optional<Lane::Share> Lane::take(std::uint64_t memory) {
  const bool alone = used_processes_ == 0;
  if (used_processes_ >= processes_ || (!alone && used_memory_ + memory > memory_)) return std::nullopt;
  used_processes_ += 1;
  used_memory_ += memory;
  return Share(*this, memory);
}

}  // namespace dcp::compiler
