// Which layers are in force on this machine, found by trying what each must refuse.
#pragma once

#include "isolation/seal.hpp"

namespace dcp::isolation {

/// One entry a layer. A sealed child tries what its layer must refuse; each check leaves out the layers that would
/// refuse the same before. Takes some tens of milliseconds.
Report verify(const Prepared& prepared);

}  // namespace dcp::isolation
