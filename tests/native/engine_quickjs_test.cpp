// engine.hpp on QuickJS-NG.
#include "check.hpp"
#include "engine_contract.hpp"

int main() {
  dcp::test::check_engine(*dcp::engine::make_quickjs({std::size_t{1} << 28, std::size_t{1} << 20}));
  return dcp::test::failures == 0 ? 0 : 1;
}
