// The zygote's loop: requests, ends of sandboxes, peers that leave. One thread, poll(2).
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "sandbox/control_socket.hpp"
#include "sandbox/hangup.hpp"
#include "sandbox/spawner.hpp"

namespace dcp::sandbox {

class Zygote {
 public:
  /// `half_close_ends`: see HangUp.
  Zygote(ControlSocket& control, Spawner& spawner, bool half_close_ends);

  /// Serves until the control socket closes; then every sandbox has been ended and reaped.
  void run();

 private:
  struct Running {
    pid_t process;
    HangUp peer;
  };

  void wait();
  int wait_ms() const;
  void take_requests();
  void handle(ipc::Packet message);
  void spawn(const std::string& id, ipc::Packet& message);
  void reap();
  void end_abandoned();
  void end_all();

  ControlSocket& control_;
  Spawner& spawner_;
  bool half_close_ends_;
  bool closed_ = false;
  Descriptor children_;    ///< an eventfd that SIGCHLD writes to
  const long own_memory_;  ///< KiB that each fork shares with this process
  std::map<std::string, Running> running_;
  std::vector<pollfd> polled_;
  std::vector<std::pair<HangUp*, std::size_t>> watched_;  ///< whose the entries from the third on are, and how many
};

}  // namespace dcp::sandbox
