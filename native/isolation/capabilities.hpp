// Capability sets: capabilities(7).
#pragma once

#include "isolation/layer.hpp"

namespace dcp::isolation {

/// Empties the bounding, ambient, inheritable, permitted and effective sets, for good.
Failure drop_capabilities();

/// Whether this process has no capability at all (the bounding set aside).
bool has_no_capabilities();

/// Whether this process may mount and make namespaces: CAP_SYS_ADMIN.
bool may_administer();

}  // namespace dcp::isolation
