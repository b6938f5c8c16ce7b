#include "hashes.hpp"

#include <vector>

#include "buffers.hpp"
#include "digest/keccak256.hpp"

namespace py = pybind11;

namespace dcp::protocol {
namespace {

/// Other threads run meanwhile: 100 MB take a fifth of a second.
py::bytes keccak_256(const py::args& pieces) {
  std::vector<Buffer> buffers;
  buffers.reserve(pieces.size());
  for (const py::handle piece : pieces) buffers.emplace_back(piece);
  digest::Keccak256 hash;
  {
    const py::gil_scoped_release others_run;
    for (const Buffer& buffer : buffers) hash.update(buffer.as<std::byte>());
  }
  const digest::Keccak256::Digest digest = hash.digest();
  return {reinterpret_cast<const char*>(digest.data()), digest.size()};
}

}  // namespace

void add_hashes(py::module_& module) { module.def("keccak_256", &keccak_256); }

}  // namespace dcp::protocol
