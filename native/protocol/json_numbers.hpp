// Numbers of JSON, as JavaScript writes them.
#pragma once

#include <string>

namespace dcp::protocol {

/// ECMA-262, Number::toString. `number` is finite.
void append_number(double number, std::string& out);

}  // namespace dcp::protocol
