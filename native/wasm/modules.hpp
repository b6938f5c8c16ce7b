// A compiled module. The handle of a WebAssembly.Module carries a shared_ptr to it.
#pragma once

#include <cstdint>

#include "binary/module.hpp"
#include "wasm/compile_client.hpp"
#include "wasm/host.hpp"

namespace dcp::wasm {

struct Module {
  Module(std::uint64_t key, CompileClient::Module compiled);
  /// Compiled here; keeps a copy of the module's bytes.
  Module(std::uint64_t key, Owned<wasmtime_module_t> compiled, std::span<const std::byte> wasm);
  Module(const Module&) = delete;
  Module& operator=(const Module&) = delete;

  /// What is read off the bytes, by export: binary::exported_functions(), binary::exported_tables64().
  struct Exports {
    std::vector<std::int64_t> functions;
    std::vector<bool> tables64;
  };
  /// Read at the first instance.
  const Exports& exports();
  std::span<const std::byte> wasm() const { return mapped_.bytes().empty() ? copied_ : mapped_.bytes(); }

  std::uint64_t key;  ///< cache::content_key
  Owned<wasmtime_module_t> module;

 private:
  std::optional<Exports> exports_;
  ipc::Mapping mapped_;
  std::vector<std::byte> copied_;
};

/// The imports or exports that a module declares.
template <typename Vector, auto list>
class Declared : public OwnedVector<Vector> {
 public:
  explicit Declared(const Module& module) { (wt.*list)(module.module.get(), &this->vec); }
};

using ImportTypes = Declared<wasm_importtype_vec_t, &wasmtime_api::wasmtime_module_imports>;
using ExportTypes = Declared<wasm_exporttype_vec_t, &wasmtime_api::wasmtime_module_exports>;

}  // namespace dcp::wasm
