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

/// The value again, of which nothing is part of `prepared`. `types` makes the values that are not JSON's
/// (python/dcp_protocol/kvin/construct.py). Throws py::value_error for what kvin.js never writes, is nested deeper than
/// `depth`, or takes more than `memory` bytes.
pybind11::object kvin_unmarshal(const pybind11::object& prepared, const pybind11::object& types, std::size_t depth,
                                std::size_t memory);

/// The same of its text, whose JSON may be nested as deep as `json_depth` and take `memory` bytes too.
pybind11::object kvin_deserialize(const pybind11::object& json, const pybind11::object& types, std::size_t json_depth,
                                  std::size_t depth, std::size_t memory);

}  // namespace dcp::protocol
