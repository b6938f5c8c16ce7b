// What TextDecoder knows of the legacy encodings; native/codegen/encoding_tables.py writes the definition.
#pragma once

#include <string_view>

namespace dcp::runtime {

/// The table of an encoding, as code units; empty for a name that has none.
std::u16string_view encoding_table(std::string_view name);

}  // namespace dcp::runtime
