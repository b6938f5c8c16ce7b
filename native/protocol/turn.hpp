// Work on many Python objects beside other threads.
#pragma once

#include <pybind11/pybind11.h>

#include <cstddef>

namespace dcp::protocol {

/// Lets other threads run now and then: each some thousand objects, which take less than a millisecond.
class Turn {
 public:
  void one_object() {
    if (++objects_ % kObjects == 0) {
      const pybind11::gil_scoped_release others_run;
    }
  }

 private:
  static constexpr std::size_t kObjects = 4096;

  std::size_t objects_ = 0;
};

/// No collection of garbage while this lives: values that are being read are none, and to look through them again and
/// again takes longer than to make them. What other threads leave waits as long.
class NoCollection {
 public:
  NoCollection() : was_enabled_(PyGC_Disable() == 1) {}
  NoCollection(const NoCollection&) = delete;
  NoCollection& operator=(const NoCollection&) = delete;
  ~NoCollection() {
    if (was_enabled_) PyGC_Enable();
  }

 private:
  bool was_enabled_;
};

}  // namespace dcp::protocol
