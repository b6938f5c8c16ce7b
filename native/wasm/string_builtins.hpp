// The builtin set "js-string" of the JavaScript API: functions on JavaScript's strings that wasm calls without a
// detour through JavaScript.
#pragma once

#include <string_view>

#include "wasm/store.hpp"

namespace dcp::wasm {

/// A new function of the store. `type` is the import's, which binary::mismatched_import has checked; raises a LinkError
/// for a name that is none of a builtin.
wasmtime_func_t string_builtin(Store& store, std::string_view name, wasm_functype_t* type);

}  // namespace dcp::wasm
