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
#include <optional>
#include <string>
#include <vector>

#include "compiler/child.hpp"
#include "compiler/compile_process.hpp"
#include "compiler/limits.hpp"
#include "compiler/module_cache.hpp"
#include "digest/sha256.hpp"
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

  enum class Step {
    unknown,    ///< whether there is code
    looking,    ///< for it
    waiting,    ///< to be compiled
    compiling,  ///< in a sealed process
    failing,    ///< that process has ended without an answer
    keeping,    ///< the code is written to a file
    done,       ///< processes may still have to end
  };

  struct Request {
    int client;  ///< kNobody: it has gone
    Key key;
    std::uint64_t attempt = 0;    ///< of a look-up
    ipc::Descriptor module = {};  ///< nothing: a look-up
    std::uint64_t size = 0;
    std::optional<digest::Digest> digest = {};  ///< of the module, once it has been looked for
    Lane* lane = nullptr;                       ///< to compile it
    ModuleLimits limits = {};
    Step step = Step::unknown;
    std::optional<Lane::Share> share = {};      ///< until the last process has ended
    std::optional<ipc::Descriptor> claim = {};  ///< of the module, once it is not another evaluator's
    bool others_compiled = false;               ///< another evaluator had the claim
    Clock::time_point deadline = Clock::time_point::max();
    std::list<Child> children = {};  ///< the last one works, the others end
  };

  static constexpr int kNobody = -1;

  int timeout() const;
  bool take_client(int control);
  void serve(int fd);
  void look_up(int fd, const std::string& message);
  void compile(int fd, ipc::Descriptor module);
  void start_requests();
  bool start(Request& request);
  bool start_looking(Request& request);
  bool start_compiling(Request& request);
  void keep(Request& request, ipc::Descriptor code);
  void take_answer(Request& request);
  void take_found(Request& request, ipc::Packet answer);
  void take_outcome(Request& request, ipc::Received state, ipc::Packet answer);
  void end_overdue();
  void reap();
  void give_all(Request& request, char kind, std::string_view text, int descriptor = -1);
  void give_up(Request& request, const std::string& reason);
  void give(Request& request, char kind, std::string_view text = {}, int descriptor = -1);
  void answer(int fd, char kind, std::string_view text = {}, int descriptor = -1);
  void drop(int fd);
  void forget(Request& request);
  bool is_wanted(const Request& request) const;
  bool is_in_work(const Request& request) const;
  void end_unwanted(const Lane& lane);
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
