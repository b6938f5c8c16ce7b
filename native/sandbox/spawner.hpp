// Makes sealed sandbox processes ahead of need and hands them their channels.
#pragma once

#include <sys/types.h>

#include <deque>
#include <string>

#include "ipc/descriptor.hpp"
#include "isolation/seal.hpp"
#include "sandbox/sandbox.hpp"

namespace dcp::sandbox {

using ipc::Descriptor;

/// A sandbox cannot be made; the text says why.
struct SpawnError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

class Spawner {
 public:
  Spawner(Sandbox& sandbox, const isolation::Prepared& prepared, std::size_t spares)
      : sandbox_(sandbox), prepared_(prepared), wanted_(spares) {}

  /// Gives a sealed process its channels and returns its process id. Throws SpawnError. The descriptors stay the
  /// caller's.
  pid_t spawn(const Channels& channels);
  /// Whether refill() has something to do.
  bool needs_refill() const { return spares_.size() < wanted_ && !refused_; }
  bool has_spare() const { return !spares_.empty(); }
  /// Makes one more spare.
  void refill();
  /// Forgets a spare that ended. False when `process` is none.
  bool forget(pid_t process);
  /// SIGKILL for all spares; the caller reaps them.
  void kill_spares();

 private:
  struct Spare {
    pid_t process;
    Descriptor handoff;  ///< first the word that it is sealed comes, then the channels go
  };

  Spare make();
  void await_sealed(Spare& spare);

  Sandbox& sandbox_;
  const isolation::Prepared& prepared_;
  std::size_t wanted_;
  bool refused_ = false;  ///< the last one could not be made: no further try before the next spawn
  std::deque<Spare> spares_;
};

}  // namespace dcp::sandbox
