// A folder that nobody can exchange for another one: below folders that only this user or the system may write to.
#pragma once

#include <string>

#include "ipc/descriptor.hpp"

namespace dcp::cache {

/// Opens the folder at `path`, and makes it and those above it where they are missing, for this user alone. Each folder
/// on the way, also on that of a link, must belong to this user or the system, and others may write there only where
/// the sticky bit keeps them from what is not theirs. The folder itself must be this user's alone, and no link.
/// Empty with the reason, which names the folder at fault, where that does not hold.
ipc::Descriptor open_trusted_folder(const std::string& path, std::string& reason);

}  // namespace dcp::cache
