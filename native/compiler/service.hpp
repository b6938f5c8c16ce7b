// The compiler's loop: what sandboxes ask, modules in work, their outcomes. One thread, poll(2). It reads and writes no
// module itself: processes that it forks do, which may take long.
//
// A sandbox has one connection and one request at most. Requests are served in the order in which they came, so that
// sandboxes take turns, and in three lanes: small modules and look-ups do not wait for large modules.
#pragma once

#include <poll.h>

#include <chrono>
#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "compiler/child.hpp"
#include "compiler/compile_process.hpp"
#include "compiler/limits.hpp"
#include "compiler/module_cache.hpp"
#include "ipc/packet.hpp"

namespace dcp::compiler {

class Service {
 public:
  struct Options {
    std::string library;    ///< path of wasmtime, which is opened when the first module has to be compiled
    std::size_t processes;  ///< that work at a time
    std::uint64_t memory;   ///< bytes that the machine has
    Overrides limits;
  };

  Service(ModuleCache& cache, const isolation::Prepared& prepared, Options options);

  /// Serves the sandboxes that the control socket brings (protocol.hpp) until it closes.
  void run(int control);

 private:
  using Clock = std::chrono::steady_clock;

  struct Client {
    std::uint64_t sandbox;
    ipc::Descriptor socket;
    bool waits = false;
  };

  /// A module that has no code, for others who ask for the same one.
  struct Failure {
    std::shared_ptr<const ipc::Descriptor> module;
    char kind;
    std::string text;
  };

  enum class Step {
    waiting,    ///< for its turn
    looking,    ///< whether there is code
    compiling,  ///< in a sealed process
    failing,    ///< that process has ended without an answer
    keeping,    ///< the code is written to a file
    done,       ///< processes may still have to end
  };

  struct Request {
    int client;  ///< kNobody: it has gone
    Key key;
    Lane* lane;
    std::uint64_t attempt = 0;                           ///< of a look-up
    std::shared_ptr<const ipc::Descriptor> module = {};  ///< nothing: a look-up
    std::uint64_t size = 0;
    ModuleLimits limits = {};
    Step step = Step::waiting;
    std::optional<Lane::Share> share = {};  ///< until the last process has ended
    ipc::Descriptor claim = {};             ///< of the module, once it is not another evaluator's
    Clock::time_point deadline = Clock::time_point::max();
    std::list<Child> children = {};  ///< the last one works, the others end
    std::shared_ptr<const Failure> failure = {};
  };

  static constexpr int kNobody = -1;

  int timeout() const;
  bool take_client(int control);
  void serve(int fd);
  void look_up(int fd, const std::string& message);
  void compile(int fd, ipc::Descriptor module);
  void start_requests();
  bool start(Request& request);
  void look(Request& request);
  void keep(Request& request, ipc::Descriptor code);
  void take_answer(Request& request);
  void take_outcome(Request& request, ipc::Received state, ipc::Packet answer);
  void end_overdue();
  void reap();
  void fail(Request& request, char kind, const std::string& text);
  void give_up(Request& request, const std::string& reason);
  void give(Request& request, char kind, std::string_view text = {}, int descriptor = -1);
  void answer(int fd, char kind, std::string_view text = {}, int descriptor = -1);
  void drop(int fd);
  void forget(Request& request);
  bool is_wanted(const Request& request) const;
  bool has_twin_in_work(const Request& request) const;
  void end_unwanted(const Lane& lane);
  static bool is_same_module(const Request& one, const Request& other);
  void open_wasmtime();

  ModuleCache& cache_;
  const isolation::Prepared& prepared_;
  Options options_;
  Lane look_ups_, small_, large_;
  std::optional<std::uint64_t> settings_;  ///< of the engine, once wasmtime is open
  std::map<int, Client> clients_;          ///< by descriptor number
  std::list<Request> requests_;            ///< in the order in which they came
  bool claims_wait_ = false;               ///< another evaluator compiles a module that is asked for
};

}  // namespace dcp::compiler
