// npm's kvin for Python: values to what JSON can hold, and back.
#pragma once

#include <pybind11/pybind11.h>

#include <cstddef>

namespace dcp::protocol {

void add_kvin(pybind11::module_& module);

/// What of a value kvin.js writes as `what`. `types` knows the values that are not JSON's
/// (python/dcp_protocol/kvin/describe.py). Throws py::value_error for what is nested deeper than `depth`, or has more
/// than `items` parts.
pybind11::object kvin_prepare(const pybind11::object& value, const pybind11::object& types, std::size_t depth,
                              std::size_t items);

/// The value again. `types` makes the values that are not JSON's (python/dcp_protocol/kvin/construct.py). With
/// `is_own`, values may be parts of `prepared`. Throws py::value_error for what kvin.js never writes, is nested deeper
/// than `depth`, or takes more than `memory` bytes.
pybind11::object kvin_unprepare(const pybind11::object& prepared, const pybind11::object& types, std::size_t depth,
                                std::size_t memory, bool is_own);

}  // namespace dcp::protocol
