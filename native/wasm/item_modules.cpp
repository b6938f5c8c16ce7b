#include "wasm/item_modules.hpp"

namespace dcp::wasm {

namespace {

void put_number(std::string& bytes, std::uint64_t value) {  // LEB128
  for (; value >= 0x80; value >>= 7) bytes += static_cast<char>(value | 0x80);
  bytes += static_cast<char>(value);
}

}  // namespace

Owned<wasmtime_module_t> item_module(Host& host, char section, const std::string& entry, unsigned flags,
                                     std::uint64_t initial, std::optional<std::uint64_t> maximum, char kind) {
  std::string item = entry;
  put_number(item, flags | (maximum ? 1u : 0u));
  put_number(item, initial);
  if (maximum) put_number(item, *maximum);
  std::string bytes("\0asm\1\0\0\0", 8);
  bytes += section;
  put_number(bytes, 1 + item.size());
  bytes += '\1' + item + std::string("\7\5\1\1x", 5) + kind + '\0';
  wasmtime_module_t* compiled = nullptr;
  host.check(
      wt.wasmtime_module_new(host.engine(), reinterpret_cast<std::uint8_t*>(bytes.data()), bytes.size(), &compiled),
      Failure::range);
  return Owned<wasmtime_module_t>(compiled);
}

wasmtime_extern_t first_export(Store& store, wasmtime_instance_t& instance) {
  wasmtime_extern_t item = {};
  char* name = nullptr;
  std::size_t length = 0;
  wt.wasmtime_instance_export_nth(store.context(), &instance, 0, &name, &length, &item);
  return item;
}

}  // namespace dcp::wasm
