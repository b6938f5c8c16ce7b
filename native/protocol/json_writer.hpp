// Python values as the text that JavaScript's JSON.stringify makes of them.
#pragma once

#include <pybind11/pybind11.h>

#include <cstddef>

namespace dcp::protocol {

/// Throws type_error for what has no JSON, value_error for what JavaScript would not write so.
pybind11::bytes encode_json(const pybind11::object& value, std::size_t depth);

/// A text as a string of JSON.
pybind11::bytes quote_json(const pybind11::object& text);

}  // namespace dcp::protocol
