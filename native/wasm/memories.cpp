// WebAssembly.Memory.
#include <optional>
#include <string>

#include "wasm/item_modules.hpp"

namespace dcp::wasm {

namespace {

Extern& memory_of(Host& host, Args args) {
  const double id = args.empty() ? -1 : host.js().as_number(args[0]);
  Extern& found = host.item(static_cast<std::uint32_t>(id));
  const bool is_memory = found.item.kind == WASMTIME_EXTERN_MEMORY || found.item.kind == WASMTIME_EXTERN_SHAREDMEMORY;
  if (!is_memory) host.raise(Failure::type, "no memory of the WebAssembly store");
  return found;
}

// The id of a memory in the current store; nothing where it was refused and it is worth another try.
std::optional<std::uint32_t> make_memory(Host& host, wasmtime_module_t* module, bool last) {
  const engine::Scope scope(host.js());
  Store& store = host.current();
  wasmtime_instance_t instance = {};
  wasm_trap_t* trap = nullptr;
  Owned<wasmtime_error_t> error(wt.wasmtime_instance_new(store.context(), module, nullptr, 0, &instance, &trap));
  if (error) {
    if (last) host.check(error.release(), Failure::range);
    return std::nullopt;
  }
  return store.intern(first_export(store, instance));
}

}  // namespace

// (initial, maximum or -1, shared, is64) -> id; raises a RangeError where no memory is left.
Value op_memory_new(Engine& js, void* context, Args args) {
  Host& host = host_of(context);
  const double maximum = js.as_number(args[1]);
  const auto limit = maximum < 0 ? std::nullopt : std::optional(static_cast<std::uint64_t>(maximum));
  const auto initial = static_cast<std::uint64_t>(js.as_number(args[0]));
  const bool shared = js.truthy(args[2]);
  // wasmtime asks Regions for the memories of instances only, not for those of wasmtime_memory_new.
  const unsigned flags = (shared ? 2u : 0u) | (js.truthy(args[3]) ? 4u : 0u);
  const Owned<wasmtime_module_t> module = item_module(host, 5, {}, flags, initial, limit, 2);
  auto id = make_memory(host, module.get(), false);
  if (!id) {
    host.free_memory();
    id = make_memory(host, module.get(), true);
  }
  return js.number(*id);
}

Value op_memory_is64(Engine& js, void* context, Args args) {
  Host& host = host_of(context);
  Extern& memory = memory_of(host, args);
  const Owned<wasm_memorytype_t> type(memory.item.kind == WASMTIME_EXTERN_SHAREDMEMORY
                                          ? wt.wasmtime_sharedmemory_type(memory.item.of.sharedmemory)
                                          : wt.wasmtime_memory_type(memory.store.context(), &memory.item.of.memory));
  return js.boolean(wt.wasmtime_memorytype_is64(type.get()));
}

// (id) -> ArrayBuffer, the same one until the memory grows
Value op_memory_buffer(Engine&, void* context, Args args) {
  Host& host = host_of(context);
  Extern& memory = memory_of(host, args);
  return memory.store.buffer(memory);
}

// (id, resizable) -> the buffer, of the kind that is asked for from now on
Value op_memory_reshape(Engine& js, void* context, Args args) {
  Host& host = host_of(context);
  Extern& memory = memory_of(host, args);
  return memory.store.reshape(memory, js.truthy(args[1]));
}

// (id, pages) -> earlier size in pages; raises a RangeError.
Value op_memory_grow(Engine& js, void* context, Args args) {
  Host& host = host_of(context);
  Extern& memory = memory_of(host, args);
  const auto pages = static_cast<std::uint64_t>(js.as_number(args[1]));
  std::uint64_t before = 0;
  if (memory.item.kind == WASMTIME_EXTERN_SHAREDMEMORY) {
    host.check(wt.wasmtime_sharedmemory_grow(memory.item.of.sharedmemory, pages, &before), Failure::range);
  } else {
    host.check(wt.wasmtime_memory_grow(memory.store.context(), &memory.item.of.memory, pages, &before), Failure::range);
    memory.store.refresh(memory);  // growing by nothing detaches too
  }
  memory.store.refresh_buffers();
  return js.number(static_cast<double>(before));
}

}  // namespace dcp::wasm
