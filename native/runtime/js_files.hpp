// The files of runtime/js, embedded by the build (codegen/embed_js.py) in the order in which they are evaluated.
#pragma once

#include <span>
#include <string_view>

namespace dcp::runtime {

struct JsFile {
  std::string_view name;
  std::string_view source;
};

std::span<const JsFile> js_files();

}  // namespace dcp::runtime
