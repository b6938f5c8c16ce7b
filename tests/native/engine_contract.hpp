// What engine.hpp promises, checked on whichever engine it is given.
#pragma once

#include "engine/engine.hpp"

namespace dcp::test {

/// Counts what does not hold in dcp::test::failures.
void check_engine(engine::Engine& engine);

}  // namespace dcp::test
