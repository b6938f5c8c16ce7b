// The part of the file system that a process keeps: mount_setattr(2), open_tree(2).
#pragma once

#include <string>
#include <vector>

#include "isolation/layer.hpp"

namespace dcp::isolation {

/// Paths are absolute; those that do not exist are left out.
struct FileView {
  std::vector<std::string> readable;  ///< files and folders, with all that is below them
  std::vector<std::string> devices;   ///< device nodes: read, write, ioctl
  std::vector<std::string> listed;    ///< folders that may be listed; what is in them stays closed
  std::string scratch;                ///< a folder that exists inside only, in memory, empty at first
  unsigned scratch_mebibytes = 0;     ///< what fits into it
};

/// In its own mount namespace with CAP_SYS_ADMIN: makes a read-only root that holds the view and nothing else. Paths
/// are the same as before. Needs Linux 5.12.
Failure enter_view(const FileView& view);

}  // namespace dcp::isolation
