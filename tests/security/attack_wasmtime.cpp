// Stands in for wasmtime's library, which it brings along: a sandbox that opens it is taken over when it validates a
// module, the process that compiles when it compiles one.
#include <dlfcn.h>

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "attacks.hpp"

namespace {

constexpr std::string_view kMark = "attack ";

/// The attack that the bytes name, up to a NUL; empty for a module.
std::string_view named(const std::uint8_t* bytes, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(bytes), size);
  return text.starts_with(kMark) ? text.substr(kMark.size(), text.find('\0') - kMark.size()) : std::string_view();
}

}  // namespace

extern "C" {

void* wasmtime_error_new(const char* message);  // of the library that it brings along

__attribute__((visibility("default"))) void* wasmtime_module_validate(void*, std::uint8_t* bytes, std::size_t size) {
  const std::string result = dcp::attacks::carry_out(named(bytes, size));
  std::memset(bytes, 0, size);
  std::memcpy(bytes, result.data(), std::min(size, result.size()));  // JavaScript reads it there
  return nullptr;
}

__attribute__((visibility("default"))) void* wasmtime_module_new(void* engine, std::uint8_t* bytes, std::size_t size,
                                                                 void** module) {
  if (const auto name = named(bytes, size); !name.empty()) {
    return wasmtime_error_new(("attack: " + dcp::attacks::carry_out(name)).c_str());
  }
  static const auto real = reinterpret_cast<decltype(&wasmtime_module_new)>(dlsym(RTLD_NEXT, "wasmtime_module_new"));
  return real(engine, bytes, size, module);
}

}  // extern "C"
