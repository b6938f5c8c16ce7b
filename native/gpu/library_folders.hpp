// Folders of shared libraries outside of the usual ones.
#pragma once

#include <string>
#include <vector>

namespace dcp::gpu {

/// What /etc/ld.so.conf and the files that it includes list: ldconfig(8).
std::vector<std::string> configured_library_folders(const std::string& configuration = "/etc/ld.so.conf");

/// What a driver's library needs beside itself: its folder, or the package's below /opt; of a folder that is not
/// root's and public, where private files may lie, the shared libraries alone.
std::vector<std::string> files_beside(const std::string& library);

}  // namespace dcp::gpu
