// What we read of a WebAssembly module ourselves, and what we rewrite in it: any bytes, whether a module or not.
#include <cstdlib>

#include "binary/legacy_exceptions.hpp"
#include "binary/limits.hpp"
#include "binary/module.hpp"
#include "binary/string_imports.hpp"

using namespace dcp::binary;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto module = std::as_bytes(std::span(data, size));
  for (const auto section : custom_sections(module, "name")) {
    const bool inside = section.data() >= module.data() && section.data() + section.size() <= module.data() + size;
    if (!inside) std::abort();
  }
  exported_functions(module);
  exported_tables64(module);
  mismatched_import(module, {true, ""});
  exceeded_limit(module);
  // What was translated has nothing left to translate.
  const auto translated = translate_legacy_exceptions(module);
  if (translated && translate_legacy_exceptions(*translated)) std::abort();
  return 0;
}
