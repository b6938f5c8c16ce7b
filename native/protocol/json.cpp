#include "json.hpp"

#include "json_reader.hpp"
#include "json_writer.hpp"

namespace py = pybind11;

namespace dcp::protocol {

void add_json(py::module_& module) {
  module.def("json_encode", &encode_json, py::arg("value"), py::arg("depth"), py::pos_only());
  module.def("json_quote", &quote_json, py::arg("text"), py::pos_only());
  module.def("json_decode", &decode_json, py::arg("json"), py::arg("depth"), py::arg("memory"), py::pos_only());
  module.def("json_members", &json_members, py::arg("json"), py::arg("depth"), py::pos_only());
  module.def("json_elements", &json_elements, py::arg("json"), py::arg("depth"), py::pos_only());
  module.def("json_unquote", &unquote_json, py::arg("json"), py::pos_only());
}

}  // namespace dcp::protocol
