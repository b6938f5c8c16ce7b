// Frames from a sandbox, as the supervisor's end reads them, in pieces of any size and with descriptors.
#include <fcntl.h>
#include <sys/socket.h>

#include <cstdlib>
#include <cstring>
#include <vector>

#include "frame_protocol.hpp"
#include "input.hpp"
#include "ipc/frame_reader.hpp"
#include "socket_pair.hpp"

using namespace dcp::ipc;

namespace {

void send(int socket, std::string_view bytes, std::size_t descriptors) {
  static const int file = open("/dev/null", O_RDONLY | O_CLOEXEC);
  iovec part{const_cast<char*>(bytes.data()), bytes.size()};
  alignas(cmsghdr) char control[CMSG_SPACE(4 * sizeof(int))] = {};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  if (descriptors > 0) {
    message.msg_control = control;
    message.msg_controllen = CMSG_SPACE(descriptors * sizeof(int));
    cmsghdr* rights = CMSG_FIRSTHDR(&message);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(descriptors * sizeof(int));
    for (std::size_t i = 0; i < descriptors; ++i) std::memcpy(CMSG_DATA(rights) + i * sizeof(int), &file, sizeof file);
  }
  if (sendmsg(socket, &message, MSG_DONTWAIT | MSG_NOSIGNAL) < 0) std::abort();
}

void read_all(FrameReader& reader, int socket) {
  ReceivedFrame frame;
  while (reader.fill(socket, MSG_DONTWAIT) == ReadState::data) {
    unsigned sum = 0;
    while (reader.next(frame)) {
      if (frame.descriptors.size() > dcp::frames::kMostDescriptors) std::abort();
      for (const char byte : frame.payload) sum += static_cast<unsigned char>(byte);
    }
    if (sum == ~0u) std::abort();  // keeps the reads
    reader.check_stray_descriptors();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  dcp::fuzz::Input input(data, size);
  dcp::test::Pair pair;
  FrameReader reader(Peer::hostile, 256 << 10);
  try {
    while (!input.at_end()) {
      const std::size_t descriptors = input.byte() % 5;
      const std::string_view bytes = input.text();
      if (bytes.empty()) continue;
      send(pair.theirs.get(), bytes, descriptors);
      read_all(reader, pair.ours.get());
    }
  } catch (const FrameError&) {
  }
  return 0;
}
