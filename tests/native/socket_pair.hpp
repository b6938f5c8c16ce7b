// Two connected stream sockets, closed with their owner.
#pragma once

#include <sys/socket.h>

#include <stdexcept>

#include "ipc/descriptor.hpp"

namespace dcp::test {

struct Pair {
  Pair() {
    int fds[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0) throw std::runtime_error("socketpair");
    ours = ipc::Descriptor(fds[0]);
    theirs = ipc::Descriptor(fds[1]);
  }
  ipc::Descriptor ours, theirs;
};

}  // namespace dcp::test
