// A process that the service has forked, and the socket on which it answers once. What takes long is done in such
// processes, so that the service, which never waits for one, always has time for the next sandbox.
#pragma once

#include <sys/types.h>

#include <functional>
#include <optional>
#include <vector>

#include "ipc/descriptor.hpp"
#include "ipc/packet.hpp"

namespace dcp::compiler {

class Child {
 public:
  struct End {
    int status;       ///< of waitpid(2)
    double cpu_time;  ///< seconds
  };

  /// Takes over a process and this side of its socket.
  Child(pid_t process, int channel) : process_(process), channel_(channel) {}
  Child(Child&& other) noexcept
      : process_(std::exchange(other.process_, -1)), channel_(std::move(other.channel_)), end_(other.end_) {}
  Child& operator=(Child&&) = delete;
  /// Kills it, and waits for its end, where reap() has not told that.
  ~Child();

  /// Readable when receive() has something to tell; negative once it has.
  int fd() const { return channel_.get(); }
  /// Its answer, or `closed`. After either it is killed.
  ipc::Received receive(ipc::Packet& answer, std::size_t most);
  void kill();
  bool is_killed() const { return !channel_; }
  /// How it ended; nothing while it has not given back all of its memory. After kill().
  std::optional<End> reap();

 private:
  pid_t process_;
  ipc::Descriptor channel_;
  std::optional<End> end_;
};

/// Forks a process of our own that does `work`, which answers on `channel`. It has the descriptors `needed` and no
/// others of ours. Throws std::system_error.
Child fork_task(std::vector<int> needed, const std::function<void(int channel)>& work);

}  // namespace dcp::compiler
