#include "kvin.hpp"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <vector>

#include "buffers.hpp"
#include "kvin_islands.hpp"

namespace py = pybind11;

namespace dcp::protocol {
namespace {

/// Lets other threads run while many bytes are worked on.
class Apart {
 public:
  explicit Apart(std::size_t bytes) {
    if (bytes > kLong) others_run_.emplace();
  }

 private:
  std::optional<py::gil_scoped_release> others_run_;
};

/// Latin-1: a character for each byte.
py::str characters(std::span<const std::uint8_t> bytes) {
  bool ascii = false;
  {
    const Apart apart(bytes.size());
    ascii = std::none_of(bytes.begin(), bytes.end(), [](std::uint8_t byte) { return byte >= 0x80; });
  }
  PyObject* made = PyUnicode_New(static_cast<Py_ssize_t>(bytes.size()), ascii ? 0x7F : 0xFF);
  if (made == nullptr) throw py::error_already_set();
  auto text = py::reinterpret_steal<py::str>(made);
  void* into = PyUnicode_DATA(made);
  const Apart apart(bytes.size());
  std::memcpy(into, bytes.data(), bytes.size());
  return text;
}

py::object kvin_islands(const py::object& data) {
  const Buffer buffer(data);
  const auto bytes = buffer.as<std::uint8_t>();
  std::vector<Island> islands;
  bool has_run = false;
  {
    const Apart apart(bytes.size());
    has_run = has_zero_run(bytes);
    if (has_run) islands = find_islands(bytes);
  }
  if (!has_run) return characters(bytes);
  py::list found;
  for (const Island& island : islands)
    found.append(py::make_tuple(island.start, characters(bytes.subspan(island.start, island.size))));
  return found;
}

/// Characters of a str, each for a byte, to `into` from its byte `start`.
void kvin_copy(const py::str& text, const py::buffer& into, std::size_t start) {
  const py::buffer_info view = into.request(true);
  const auto size = static_cast<std::size_t>(PyUnicode_GET_LENGTH(text.ptr()));
  const auto room = static_cast<std::size_t>(view.size * view.itemsize);
  if (start > room || size > room - start) throw py::value_error("characters lie beyond the end of their array");
  if (PyUnicode_KIND(text.ptr()) != PyUnicode_1BYTE_KIND) throw py::value_error("a character stands for no byte");
  const void* from = PyUnicode_DATA(text.ptr());
  const Apart apart(size);
  std::memcpy(static_cast<std::uint8_t*>(view.ptr) + start, from, size);
}

}  // namespace

void add_kvin(py::module_& module) {
  module.def("kvin_prepare", &kvin_prepare, py::arg("value"), py::arg("types"), py::arg("depth"), py::arg("items"),
             py::pos_only());
  module.def("kvin_unmarshal", &kvin_unmarshal, py::arg("prepared"), py::arg("types"), py::arg("depth"),
             py::arg("memory"), py::pos_only());
  module.def("kvin_deserialize", &kvin_deserialize, py::arg("json"), py::arg("types"), py::arg("json_depth"),
             py::arg("depth"), py::arg("memory"), py::pos_only());
  module.def("kvin_islands", &kvin_islands, py::arg("data"), py::pos_only());
  module.def("kvin_copy", &kvin_copy, py::arg("text"), py::arg("into"), py::arg("start"), py::pos_only());
}

}  // namespace dcp::protocol
