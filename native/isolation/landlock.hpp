// No access to files, TCP, or processes and abstract sockets outside: landlock(7). Needs no_new_privs.
#pragma once

#include "isolation/file_view.hpp"
#include "isolation/layer.hpp"

namespace dcp::isolation {

/// Refuses everything that the running kernel's Landlock can refuse, but what `view` has. Descriptors that are open
/// stay usable.
Failure restrict_with_landlock(const FileView& view = {});

}  // namespace dcp::isolation
