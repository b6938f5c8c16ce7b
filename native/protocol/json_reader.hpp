// JSON texts as Python values, and the places of their parts.
#pragma once

#include <pybind11/pybind11.h>

#include <cstddef>

namespace dcp::protocol {

/// Throws value_error for what is no JSON, nested deeper than `depth`, or would take more than `memory` bytes.
pybind11::object decode_json(const pybind11::object& json, std::size_t depth, std::size_t memory);

/// Where the values of the members of an object begin and end. A name that occurs twice is refused.
pybind11::dict json_members(const pybind11::object& json, std::size_t depth);

/// The same of the elements of an array, in their order.
pybind11::list json_elements(const pybind11::object& json, std::size_t depth);

/// The text that a string of JSON stands for, in UTF-8.
pybind11::bytes unquote_json(const pybind11::object& json);

}  // namespace dcp::protocol
