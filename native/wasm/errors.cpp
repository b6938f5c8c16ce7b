// How failures cross the border: exceptions of JavaScript through wasm frames, and traps into JavaScript.
#include <stdexcept>
#include <string>

#include "wasm/store.hpp"

namespace dcp::wasm {

namespace {

const char* failure_name(Failure failure) {
  switch (failure) {
    case Failure::compile:
      return "CompileError";
    case Failure::link:
      return "LinkError";
    case Failure::runtime:
      return "RuntimeError";
    case Failure::range:
      return "RangeError";
    case Failure::type:
      break;
  }
  return "TypeError";
}

const char* trap_message(std::uint8_t code) {
  switch (code) {
    case WASMTIME_TRAP_CODE_MEMORY_OUT_OF_BOUNDS:
      return "memory access out of bounds";
    case WASMTIME_TRAP_CODE_HEAP_MISALIGNED:
      return "operation does not support unaligned accesses";
    case WASMTIME_TRAP_CODE_TABLE_OUT_OF_BOUNDS:
      return "table index is out of bounds";
    case WASMTIME_TRAP_CODE_INDIRECT_CALL_TO_NULL:
      return "indirect call to null";
    case WASMTIME_TRAP_CODE_BAD_SIGNATURE:
      return "null function or function signature mismatch";
    case WASMTIME_TRAP_CODE_INTEGER_OVERFLOW:
      return "integer overflow";  // of a division, or of a conversion from a float
    case WASMTIME_TRAP_CODE_INTEGER_DIVISION_BY_ZERO:
      return "divide by zero";
    case WASMTIME_TRAP_CODE_BAD_CONVERSION_TO_INTEGER:
      return "float unrepresentable in integer range";
    case WASMTIME_TRAP_CODE_UNREACHABLE_CODE_REACHED:
      return "unreachable";
    case WASMTIME_TRAP_CODE_ATOMIC_WAIT_NON_SHARED_MEMORY:
      return "atomic wait on a memory that is not shared";
    case WASMTIME_TRAP_CODE_NULL_REFERENCE:
      return "dereferencing a null pointer";
    case WASMTIME_TRAP_CODE_ARRAY_OUT_OF_BOUNDS:
      return "array element access out of bounds";
    case WASMTIME_TRAP_CODE_ALLOCATION_TOO_LARGE:
      return "requested allocation is too large";
    case WASMTIME_TRAP_CODE_CAST_FAILURE:
      return "illegal cast";
    case WASMTIME_TRAP_CODE_UNCAUGHT_EXCEPTION:
      return "uncaught exception";
    default:
      return nullptr;
  }
}

// "\n    at name (wasm-function[3]:0x1a)" each, innermost first.
std::string frames_text(const OwnedVector<wasm_frame_vec_t>& frames) {
  std::string text;
  for (wasm_frame_t* frame : frames) {
    char position[64];
    std::snprintf(position, sizeof position, "wasm-function[%u]:0x%zx", wt.wasm_frame_func_index(frame),
                  wt.wasm_frame_module_offset(frame));
    text += "\n    at ";
    if (const wasm_name_t* name = wt.wasmtime_frame_func_name(frame)) {
      text.append(reinterpret_cast<const char*>(name->data), name->size);
      text += std::string(" (") + position + ")";
    } else {
      text += position;
    }
  }
  return text;
}

}  // namespace

void Host::set_hooks(Value hooks) {
  hooks_ = Ref(js_, hooks);
  for (const std::string_view name : kHookNames) {
    if (js_.kind(js_.get(hooks, name)) == engine::Kind::function) continue;
    throw std::logic_error("webassembly-hooks.js has no function " + std::string(name) +
                           ", which wasm/hooks.hpp lists");
  }
}

Value Host::call_hook(Hook hook, Args args) {
  const std::string_view name = kHookNames[static_cast<std::size_t>(hook)];
  return js_.call(js_.get(hooks_.get(), name), js_.undefined(), args);
}

void Host::raise(Failure failure, std::string_view message, std::string_view frames, bool is_trap) {
  const Value args[] = {js_.string(failure_name(failure)), js_.string(message), js_.string(frames),
                        js_.boolean(is_trap)};
  js_.raise(call_hook(Hook::make_error, args));
}

void Host::check(wasmtime_error_t* error, Failure failure) {
  if (error == nullptr) return;
  const std::string message = take_message(Owned<wasmtime_error_t>(error));
  if (message.starts_with("out of memory")) js_.note_out_of_memory();
  raise(failure, message);
}

void Store::raise_failure(wasmtime_error_t* failed, wasm_trap_t* trapped) {
  Owned<wasmtime_error_t> error(failed);
  Owned<wasm_trap_t> trap(trapped);
  refresh_buffers();
  wasmtime_exnref_t exception = {};
  if (!host_.pending && wt.wasmtime_context_take_exception(context_, &exception)) {
    js().raise(thrown_value(Rooted(exception)));
  }
  if (host_.pending) throw *std::exchange(host_.pending, std::nullopt);
  if (trap) host_.raise_trap(std::move(trap));
  OwnedVector<wasm_frame_vec_t> trace;
  wt.wasmtime_error_wasm_trace(error.get(), &trace.vec);
  const std::string frames = frames_text(trace);
  const std::string message = take_message(std::move(error));
  // What wasmtime says of an argument that is none of the parameter's type.
  host_.raise(message.starts_with("argument type mismatch") ? Failure::type : Failure::runtime, message, frames);
}

void Host::raise_trap(Owned<wasm_trap_t> trap) {
  std::uint8_t code = 0;
  const bool known = wt.wasmtime_trap_code(trap.get(), &code);
  if (known && code == WASMTIME_TRAP_CODE_STACK_OVERFLOW) {
    raise(Failure::range, "Maximum call stack size exceeded", {}, true);
  }
  const char* fixed = known ? trap_message(code) : nullptr;
  std::string message = fixed != nullptr ? fixed : "";
  if (fixed == nullptr) {
    Bytes text;
    wt.wasm_trap_message(trap.get(), &text.vec);
    message = on_one_line(std::string(text.text().substr(0, text.text().find('\0'))));
  }
  OwnedVector<wasm_frame_vec_t> trace;
  wt.wasm_trap_trace(trap.get(), &trace.vec);
  raise(Failure::runtime, message, frames_text(trace), true);
}

}  // namespace dcp::wasm
