// References to Python objects, owned by C++ ones.
#pragma once

#include <pybind11/pybind11.h>

namespace dcp::protocol {

/// Of what the C API has made: a null pointer is its error.
inline pybind11::object own(PyObject* made) {
  if (made == nullptr) throw pybind11::error_already_set();
  return pybind11::reinterpret_steal<pybind11::object>(made);
}

inline pybind11::object borrow(PyObject* object) { return pybind11::reinterpret_borrow<pybind11::object>(object); }

}  // namespace dcp::protocol
