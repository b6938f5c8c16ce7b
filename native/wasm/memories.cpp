// WebAssembly.Memory.
#include "wasm/host.hpp"

namespace dcp::wasm {

namespace {

// 64 KiB pages; 2^48 pages are the limit of a 64-bit memory.
constexpr std::uint8_t kPageSizeLog2 = 16;

Extern& memory_of(Host& host, Args args) {
  const double id = args.empty() ? -1 : host.js().as_number(args[0]);
  Extern& found = host.item(static_cast<std::uint32_t>(id));
  const bool is_memory = found.item.kind == WASMTIME_EXTERN_MEMORY || found.item.kind == WASMTIME_EXTERN_SHAREDMEMORY;
  if (!is_memory) host.raise(Failure::type, "no memory of the WebAssembly store");
  return found;
}

wasm_memorytype_t* memory_type(Host& host, Args args) {
  Engine& js = host.js();
  const double maximum = js.as_number(args[1]);
  wasm_memorytype_t* type = nullptr;
  host.check(wt.wasmtime_memorytype_new(static_cast<std::uint64_t>(js.as_number(args[0])), maximum >= 0,
                                        maximum >= 0 ? static_cast<std::uint64_t>(maximum) : 0, js.truthy(args[3]),
                                        js.truthy(args[2]), kPageSizeLog2, &type),
             Failure::range);
  return type;
}

}  // namespace

// (initial, maximum or -1, shared, is64) -> id; raises a RangeError where no memory is left.
Value op_memory_new(Engine& js, void* context, Args args) {
  Host& host = host_of(context);
  wasm_memorytype_t* type = memory_type(host, args);
  wasmtime_extern_t item = {};
  wasmtime_error_t* error = nullptr;
  if (js.truthy(args[2])) {
    item.kind = WASMTIME_EXTERN_SHAREDMEMORY;
    error = wt.wasmtime_sharedmemory_new(host.engine(), type, &item.of.sharedmemory);
  } else {
    item.kind = WASMTIME_EXTERN_MEMORY;
    error = wt.wasmtime_memory_new(host.context(), type, &item.of.memory);
  }
  wt.wasm_memorytype_delete(type);
  host.check(error, Failure::range);
  return js.number(host.intern(item));
}

Value op_memory_is64(Engine& js, void* context, Args args) {
  Host& host = host_of(context);
  Extern& memory = memory_of(host, args);
  wasm_memorytype_t* type = memory.item.kind == WASMTIME_EXTERN_SHAREDMEMORY
                                ? wt.wasmtime_sharedmemory_type(memory.item.of.sharedmemory)
                                : wt.wasmtime_memory_type(host.context(), &memory.item.of.memory);
  const bool is64 = wt.wasmtime_memorytype_is64(type);
  wt.wasm_memorytype_delete(type);
  return js.boolean(is64);
}

// (id) -> ArrayBuffer, the same one until the memory grows
Value op_memory_buffer(Engine&, void* context, Args args) {
  Host& host = host_of(context);
  return host.buffer(memory_of(host, args));
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
    host.check(wt.wasmtime_memory_grow(host.context(), &memory.item.of.memory, pages, &before), Failure::range);
    host.detach(memory);  // growing by nothing detaches too
    host.refresh_buffers();
  }
  return js.number(static_cast<double>(before));
}

}  // namespace dcp::wasm
