// The compiler's loop: asks of sandboxes, modules in work, their outcomes. One thread, poll(2).
#pragma once

#include <poll.h>

#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "compiler/compile_process.hpp"
#include "compiler/module_cache.hpp"
#include "ipc/mapping.hpp"
#include "ipc/memfd.hpp"
#include "ipc/packet.hpp"

namespace dcp::compiler {

class Service {
 public:
  /// `library`: path of wasmtime, which is opened when the first module has to be compiled. `most`: how many modules
  /// are compiled at once.
  Service(ModuleCache& cache, const isolation::Prepared& prepared, std::string library, std::size_t most);

  /// Serves the sandboxes that the control socket brings, one descriptor a message, until it closes.
  void run(int control);

 private:
  /// A module that one or more sandboxes wait for.
  struct Job {
    Key key;
    ipc::Descriptor file;
    ipc::Mapping wasm;
    std::vector<int> waiting;  ///< clients
    std::unique_ptr<CompileProcess> process;
    ipc::Descriptor claim;  ///< of the module, once it is not another evaluator's
  };

  bool take_client(int control);
  void serve(int client);
  void look_up(int client, const std::string& message);
  void compile(int client, ipc::Descriptor file);
  void start_jobs();
  void forget_jobs();
  bool start(Job& job);
  void finish(Job& job);
  void give(Job& job, char kind, std::string_view text, int descriptor = -1);
  void answer(int client, char kind, std::string_view text = {}, int descriptor = -1);
  void drop(int client);
  void open_wasmtime();

  ModuleCache& cache_;
  const isolation::Prepared& prepared_;
  std::string library_;
  std::size_t most_;
  std::optional<std::uint64_t> settings_;   ///< of the engine, once wasmtime is open
  std::map<int, ipc::Descriptor> clients_;  ///< by descriptor number
  std::list<Job> jobs_;
};

}  // namespace dcp::compiler
