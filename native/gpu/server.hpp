// Carries out the commands of one sandbox.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "gpu/busy_clock.hpp"
#include "gpu/call.hpp"
#include "gpu/device.hpp"
#include "gpu/limits.hpp"
#include "gpu/memory_account.hpp"
#include "gpu/objects.hpp"
#include "gpu/region.hpp"
#include "gpu/replies.hpp"
#include "gpu/visitors.hpp"
#include "gpu/watchdog.hpp"

namespace dcp::gpu {

class Server {
 public:
  /// Ends the host for a reason that the devices were told; never returns.
  using End = std::function<void(const char* reason)>;

  using Log = std::function<void(const std::string& line)>;

  /// `adapters`: borrowed, the preferred one first. `end`: called after a submission or a compilation took longer than
  /// `limits` allow, and before a reply is sent where the machine was suspended since this was made. `busy`: on any
  /// thread, one at a time.
  Server(
      const Functions& functions, std::vector<WGPUAdapter> adapters, Region& region, Limits limits = {},
      End end = [](const char*) {}, Log log = [](const std::string&) {}, BusyClock::Tell busy = [](std::uint64_t) {});
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
  const Limits& limits() const { return limits_; }
  const std::shared_ptr<MemoryAccount>& memory() const { return memory_; }
  /// The host is about to end: tells all devices that they are lost, and why. Any thread.
  void lose_devices(std::string_view reason);
  /// "a submission" takes too long: on a watchdog's thread.
  void hung(std::string_view what);
  /// The command that is carried out has made wgpu-native panic, and nothing else has come of it.
  void compiler_panicked(const std::string& text);
  /// A line of what the sandbox has caused, for the owner: a bounded number of bounded lines.
  void log(std::string line);
  void track(const std::shared_ptr<Device>& device);
  /// `poller` has begun something: the thread that carries out commands looks after it first.
  void attend(const std::shared_ptr<Poller>& poller);
  /// Whether anything of that is left; what is complete is answered. While there is no command to carry out.
  bool look();
  /// The pollers' own threads attend to it from now on.
  void hand_over();
  /// Whether the sandbox may have one more device. Waits where many have ended and their threads have not.
  bool has_room_for_device();
  /// Ends a device and releases all handles that belong to it; its objects stay, and are invalid.
  void end(Device& device);
  ObjectTable& objects() { return objects_; }
  /// Registers an object. Throws Violation where the id is taken, or the table full.
  Object& add(std::uint32_t id, Object object);
  void remove(std::uint32_t id);

  /// For a thread that uses this server: it lasts as long as what this returns.
  Visitors::Visit enter() { return threads_.enter(); }

 private:
  void compile(Opcode opcode, Call& call);
  void release(Object& object);
  void end_after_sleep();

  const Functions& functions_;
  const std::vector<WGPUAdapter> adapters_;
  Region& region_;
  ReplyWriter replies_;
  BusyClock clock_;
  const Limits limits_;
  const End end_;
  const Log log_;
  std::size_t logged_ = 0;
  Call* call_ = nullptr;  // while a command is carried out
  const std::chrono::nanoseconds slept_before_;
  const std::shared_ptr<MemoryAccount> memory_;
  std::unique_ptr<Watchdog> compiling_;  // null: there is no limit, or nothing was compiled yet
  std::mutex devices_mutex_;
  std::vector<std::weak_ptr<Device>> devices_;
  std::vector<std::shared_ptr<Poller>> attended_;
  ObjectTable objects_;
  Visitors threads_;  // the last member: the others are there until no thread is
};

}  // namespace dcp::gpu
