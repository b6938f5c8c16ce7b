// JSON for Python.
#pragma once

#include <pybind11/pybind11.h>

namespace dcp::protocol {

void add_json(pybind11::module_& module);

}  // namespace dcp::protocol
