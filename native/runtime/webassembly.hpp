// A WebAssembly that is not the engine's own, as the program around it sees it.
#pragma once

#include <functional>
#include <string>

namespace dcp::runtime {

class WebAssembly {
 public:
  virtual ~WebAssembly() = default;
  /// In the child: how modules are handed to a compiler; `connect` gives a socket, or -1 and the reason.
  virtual void use_compiler(std::function<int(std::string& reason)> connect) = 0;
  /// In the child: `end` is called where no native memory is left, and ends the process.
  virtual void on_out_of_memory(std::function<void()> end) = 0;
  /// Between two turns of the event loop: frees what JavaScript has forgotten.
  virtual void begin_turn() = 0;
  /// The same where memory is short, with a collection of garbage.
  virtual void free_memory() = 0;
};

}  // namespace dcp::runtime
