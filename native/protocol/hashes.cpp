#include "hashes.hpp"

#include "digest/keccak256.hpp"

namespace py = pybind11;

namespace dcp::protocol {
namespace {

/// Other threads run meanwhile: 100 MB take a third of a second.
py::bytes keccak_256(const py::buffer& data) {
  const py::buffer_info view = data.request();
  if (!PyBuffer_IsContiguous(view.view(), 'C'))
    throw py::value_error("the bytes to hash must lie side by side in memory");
  digest::Keccak256 hash;
  {
    const py::gil_scoped_release others_run;
    hash.update({static_cast<const std::byte*>(view.ptr), static_cast<std::size_t>(view.size * view.itemsize)});
  }
  const digest::Keccak256::Digest digest = hash.digest();
  return {reinterpret_cast<const char*>(digest.data()), digest.size()};
}

}  // namespace

void add_hashes(py::module_& module) { module.def("keccak_256", &keccak_256, py::arg("data"), py::pos_only()); }

}  // namespace dcp::protocol
