// The sandbox's side of the compiler (compiler/protocol.hpp): modules are compiled outside, once for all sandboxes, and
// their code is mapped here. A sandbox runs no code that it has not compared the module of with its own.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>

#include "compiler/module_file.hpp"
#include "compiler/protocol.hpp"
#include "ipc/mapping.hpp"
#include "ipc/packet.hpp"
#include "wasmtime/owned.hpp"

namespace dcp::wasm {

/// A module cannot be compiled; the text says why.
struct CompileFailure : std::runtime_error {
  using std::runtime_error::runtime_error;
};

class CompileClient {
 public:
  /// Gives a socket that is connected to the compiler, or -1 and the reason.
  using Connect = std::function<int(std::string& reason)>;

  struct Module {
    wasmtime::Owned<wasmtime_module_t> module;
    ipc::Mapping wasm;  ///< the module's own bytes
  };

  CompileClient(wasm_engine_t* engine, std::uint64_t settings, Connect connect);

  /// Waits for the compiler where the module has not been compiled before. Throws CompileFailure.
  Module compile(std::span<const std::byte> wasm);

 private:
  std::optional<Module> look_up(std::span<const std::byte> wasm);
  std::optional<Module> take(int file, std::span<const std::byte> wasm);
  ipc::Packet ask(std::string_view request, std::span<const int> descriptors = {});

  wasm_engine_t* engine_;
  std::uint64_t settings_;
  Connect connect_;
  ipc::Descriptor socket_;
};

}  // namespace dcp::wasm
