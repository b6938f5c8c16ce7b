// Carries out the commands of one sandbox.
#pragma once

#include <cstdint>
#include <mutex>
#include <span>
#include <unordered_map>
#include <vector>

#include "gpu/busy_clock.hpp"
#include "gpu/call.hpp"
#include "gpu/device.hpp"
#include "gpu/objects.hpp"
#include "gpu/region.hpp"
#include "gpu/replies.hpp"

namespace dcp::gpu {

class Server {
 public:
  /// `adapters`: borrowed, the preferred one first.
  Server(const Functions& functions, std::vector<WGPUAdapter> adapters, Region& region);
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  ~Server();

  /// Decodes one command, header word included, and carries it out. Throws Violation.
  void execute(std::span<const std::uint32_t> command);

  const Functions& functions() const { return functions_; }
  const std::vector<WGPUAdapter>& adapters() const { return adapters_; }
  Region& region() { return region_; }
  ReplyWriter& replies() { return replies_; }
  BusyClock& clock() { return clock_; }
  ObjectTable& objects() { return objects_; }
  /// Registers an object. Throws Violation where the id is taken, or the table full.
  Object& add(std::uint32_t id, Object object);
  void remove(std::uint32_t id);

  std::mutex map_mutex;  ///< Buffer::state and Buffer::map, and every use of a mapped pointer

 private:
  const Functions& functions_;
  const std::vector<WGPUAdapter> adapters_;
  Region& region_;
  ReplyWriter replies_;
  BusyClock clock_;
  ObjectTable objects_;
};

}  // namespace dcp::gpu
