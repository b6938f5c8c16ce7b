// Files that the zygote reads before it forks.
#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace dcp::sandbox {

/// The bytes of a file or a pipe, in `buffer` with a zero behind them. Throws std::runtime_error.
std::string_view read_file(const std::string& path, std::unique_ptr<char[]>& buffer);

}  // namespace dcp::sandbox
