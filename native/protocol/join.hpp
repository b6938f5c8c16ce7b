// Pieces of a long text as one.
#pragma once

#include <pybind11/pybind11.h>

namespace dcp::protocol {

void add_join(pybind11::module_& module);

}  // namespace dcp::protocol
