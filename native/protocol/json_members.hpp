// The members of a dict as an object of JavaScript has them.
#pragma once

#include <pybind11/pybind11.h>

#include <cstdint>
#include <optional>
#include <vector>

namespace dcp::protocol {

struct Member {
  pybind11::object key, value;
  /// What the key is among an array's elements; none for other keys.
  std::optional<std::uint32_t> index;
};

/// In JavaScript's order: array indices first, ascending. Throws py::type_error for a key that is no str.
std::vector<Member> members_of(PyObject* dict);

}  // namespace dcp::protocol
