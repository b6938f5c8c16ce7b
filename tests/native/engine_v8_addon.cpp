// engine.hpp on V8: an addon, since V8 is in the `node` program only.
#include <node.h>
#include <unistd.h>

#include "check.hpp"
#include "engine_contract.hpp"

NODE_MODULE_INIT() {
  (void)exports;
  (void)module;
  (void)context;
  dcp::test::check_engine(*dcp::engine::make_v8({std::size_t{1} << 28, std::size_t{1} << 20}).release());
  _exit(dcp::test::failures == 0 ? 0 : 1);  // Node's own end expects no isolate but its own
}
