// Files for Python that can be made again, in a folder of the user's (cache/folder.hpp).
#pragma once

#include <pybind11/pybind11.h>

#include <cstdint>
#include <string>

#include "cache/folder.hpp"

namespace dcp::bindings {

/// Keys are 16 bytes or more, of which the first 16 become the name: whoever reads compares the rest in the file.
class KeptFiles {
 public:
  KeptFiles(const std::string& path, std::uint64_t limit) : folder_(path, limit) {}

  const std::string& refusal() const { return folder_.refusal(); }
  /// None where there is none, or one that cannot be read.
  pybind11::object read(const pybind11::bytes& key) const;
  bool write(const pybind11::bytes& key, const pybind11::bytes& data);
  void remove(const pybind11::bytes& key) const;

 private:
  cache::Folder folder_;
};

}  // namespace dcp::bindings
