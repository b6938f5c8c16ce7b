// dcp_protocol._native: what DCP's wire needs faster than Python does it.
#include "hashes.hpp"
#include "join.hpp"
#include "json.hpp"
#include "kvin.hpp"

PYBIND11_MODULE(_native, module) {
  dcp::protocol::add_hashes(module);
  dcp::protocol::add_join(module);
  dcp::protocol::add_json(module);
  dcp::protocol::add_kvin(module);
}
