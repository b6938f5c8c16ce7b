// Modules that define one item and export it: for what the C API cannot make by itself.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "wasm/store.hpp"

namespace dcp::wasm {

/// `section`, `entry`: the section's id, and its one entry before the limits' flags. `flags`: of the limits, without
/// that of a maximum. `kind`: of the export. Raises a RangeError.
Owned<wasmtime_module_t> item_module(Host& host, char section, const std::string& entry, unsigned flags,
                                     std::uint64_t initial, std::optional<std::uint64_t> maximum, char kind);

/// The first export of an instance.
wasmtime_extern_t first_export(Store& store, wasmtime_instance_t& instance);

}  // namespace dcp::wasm
