// Two connected stream sockets, closed with their owner.
#pragma once

#include <sys/socket.h>

#include <stdexcept>

#include "runtime/descriptor.hpp"

namespace dcp::test {

struct Pair {
  Pair() {
    int fds[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0) throw std::runtime_error("socketpair");
    ours = runtime::Descriptor(fds[0]);
    theirs = runtime::Descriptor(fds[1]);
  }
  runtime::Descriptor ours, theirs;
};

}  // namespace dcp::test
