// Frames over a socket: however they are cut, they come whole, in order and with their own descriptors.
#include "runtime/frame_channel.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstring>
#include <random>
#include <stdexcept>
#include <system_error>
#include <thread>

#include "check.hpp"
#include "frame_protocol.hpp"
#include "ipc/memfd.hpp"
#include "ipc/packet.hpp"
#include "socket_pair.hpp"

using namespace dcp::runtime;
using dcp::test::Pair;

namespace {

constexpr std::size_t kCredit = 1 << 30;

std::vector<std::byte> payload_of(std::size_t size, int seed) {
  std::vector<std::byte> payload(size);
  for (std::size_t i = 0; i < size; ++i) payload[i] = static_cast<std::byte>(i * 31 + static_cast<std::size_t>(seed));
  return payload;
}

std::vector<std::byte> with_header(std::uint32_t size, std::uint32_t descriptors, std::span<const std::byte> payload) {
  std::vector<std::byte> bytes(8 + payload.size());
  std::memcpy(bytes.data(), &size, 4);
  std::memcpy(bytes.data() + 4, &descriptors, 4);
  std::copy(payload.begin(), payload.end(), bytes.begin() + 8);
  return bytes;
}

void write_all(int fd, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) throw std::runtime_error("send");
    bytes = bytes.subspan(static_cast<std::size_t>(sent));
  }
}

FrameChannel::Received receive_one(FrameChannel& channel) {
  for (;;) {
    if (auto frame = channel.next()) return std::move(*frame);
    if (!channel.receive()) throw std::runtime_error("the channel ended early");
  }
}

void pieces_make_frames() {
  Pair pair;
  FrameChannel channel(pair.ours.get(), kCredit);
  std::vector<std::byte> stream;
  const std::size_t sizes[] = {0, 1, 5, 300};
  for (const std::size_t size : sizes) {
    const auto frame = with_header(static_cast<std::uint32_t>(size), 0, payload_of(size, static_cast<int>(size)));
    stream.insert(stream.end(), frame.begin(), frame.end());
  }
  std::size_t found = 0;
  for (const std::byte& byte : stream) {
    write_all(pair.theirs.get(), std::span(&byte, 1));
    CHECK(channel.receive());
    while (auto frame = channel.next()) {
      CHECK(found < std::size(sizes));
      CHECK(std::ranges::equal(frame->payload, payload_of(sizes[found], static_cast<int>(sizes[found]))));
      ++found;
    }
  }
  CHECK_EQ(found, std::size(sizes));
}

void large_frames_come_back() {
  Pair pair;
  FrameChannel ours(pair.ours.get(), kCredit);
  FrameChannel theirs(pair.theirs.get(), kCredit);
  std::mt19937 random(5);
  std::vector<std::size_t> sizes = {0, 64 * 1024 - 8, 64 * 1024, 5 << 20};
  for (int i = 0; i < 300; ++i) sizes.push_back(random() % 50000);
  std::thread writer([&] {
    for (std::size_t i = 0; i < sizes.size(); ++i) ours.send({payload_of(sizes[i], static_cast<int>(i)), {}});
    ours.flush();
  });
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    CHECK(std::ranges::equal(receive_one(theirs).payload, payload_of(sizes[i], static_cast<int>(i))));
  }
  writer.join();
}

void descriptors_stay_with_their_frame() {
  Pair pair;
  FrameChannel ours(pair.ours.get(), kCredit);
  FrameChannel theirs(pair.theirs.get(), kCredit);
  int pipe_ends[2];
  CHECK_EQ(pipe(pipe_ends), 0);
  const Descriptor reading(pipe_ends[0]);
  ours.send({payload_of(3, 0), {}});
  Frame frame{payload_of(100'000, 1), {}};
  for (std::size_t i = 0; i < dcp::frames::kMostDescriptors; ++i) frame.descriptors.emplace_back(dup(pipe_ends[1]));
  close(pipe_ends[1]);
  std::thread writer([&] {
    ours.send(std::move(frame));
    ours.send({payload_of(4, 2), {}});
    ours.flush();
  });
  CHECK(receive_one(theirs).descriptors.empty());
  {
    const auto received = receive_one(theirs);
    CHECK(std::ranges::equal(received.payload, payload_of(100'000, 1)));
    CHECK_EQ(received.descriptors.size(), dcp::frames::kMostDescriptors);
    struct stat state;
    for (const Descriptor& descriptor : received.descriptors) {
      CHECK(fstat(descriptor.get(), &state) == 0 && S_ISFIFO(state.st_mode));
    }
  }
  CHECK(receive_one(theirs).descriptors.empty());
  writer.join();
  char byte;
  CHECK_EQ(read(reading.get(), &byte, 1), 0);  // all copies of the writing end are closed
}

template <typename Run>
bool refuses(Run run) {
  try {
    run();
  } catch (const std::runtime_error&) {
    return true;
  }
  return false;
}

void broken_headers_are_refused() {
  const struct {
    std::uint32_t size, descriptors;
  } broken[] = {{0xFFFFFFFF, 0}, {(1u << 30) + 1, 0}, {4, 65}, {4, 0xFFFFFFFF}, {4, 1}};
  for (const auto& header : broken) {
    Pair pair;
    FrameChannel channel(pair.ours.get(), kCredit);
    write_all(pair.theirs.get(), with_header(header.size, header.descriptors, payload_of(4, 0)));
    CHECK(channel.receive());
    CHECK(refuses([&] { channel.next(); }));
  }
}

void descriptors_of_no_frame_are_refused() {
  Pair pair;
  FrameChannel channel(pair.ours.get(), kCredit);
  const auto frame = with_header(4, 0, payload_of(4, 0));
  const int stray = pair.ours.get();
  const std::string_view bytes(reinterpret_cast<const char*>(frame.data()), frame.size());
  CHECK(dcp::ipc::send_packet(pair.theirs.get(), bytes, std::span(&stray, 1)));
  CHECK(channel.receive());
  CHECK(channel.next());
  CHECK(refuses([&] { channel.next(); }));
}

void a_peer_that_leaves_is_noticed() {
  Pair pair;
  FrameChannel channel(pair.ours.get(), kCredit);
  write_all(pair.theirs.get(), with_header(100, 0, payload_of(10, 0)));
  pair.theirs = Descriptor();
  CHECK(channel.receive());
  CHECK(!channel.next());
  CHECK(!channel.receive());
  CHECK(refuses([&] {
    channel.send({payload_of(10, 0), {}});
    channel.flush();
  }));
}

// What the sandbox has sent in shared memory and nobody has taken stays below its credit; other frames pass meanwhile.
void shared_memory_waits_for_credit() {
  Pair pair;
  FrameChannel channel(pair.ours.get(), 100'000);
  FrameChannel peer(pair.theirs.get(), kCredit);
  constexpr int kFrames = 5;
  std::thread sender([&] {
    for (int i = 0; i < kFrames; ++i) {
      std::vector<Descriptor> descriptors;
      descriptors.push_back(dcp::ipc::sealed_copy(payload_of(40'000, i)));
      channel.send({payload_of(1, i), std::move(descriptors)});
    }
  });
  for (int i = 0; i < kFrames; i += 2) {  // two at a time: the third would be beyond the credit
    const int count = std::min(2, kFrames - i);
    for (int j = 0; j < count; ++j) CHECK(std::ranges::equal(receive_one(peer).payload, payload_of(1, i + j)));
    pollfd readable = {pair.theirs.get(), POLLIN, 0};
    CHECK_EQ(poll(&readable, 1, 100), 0);
    peer.send({payload_of(7, i), {}});
    peer.send({{std::byte{0x92}, std::byte{dcp::frames::kTaken}, static_cast<std::byte>(count)}, {}});
    peer.flush();
  }
  sender.join();
  for (int i = 0; i < kFrames; i += 2) CHECK(std::ranges::equal(receive_one(channel).payload, payload_of(7, i)));
}

void a_frame_larger_than_the_credit_goes_alone() {
  Pair pair;
  FrameChannel channel(pair.ours.get(), 1000);
  std::vector<Descriptor> descriptors;
  descriptors.push_back(dcp::ipc::sealed_copy(payload_of(5000, 1)));
  channel.send({payload_of(1, 1), std::move(descriptors)});
  pair.theirs = Descriptor();
  std::vector<Descriptor> more;
  more.push_back(dcp::ipc::sealed_copy(payload_of(1, 1)));
  CHECK(refuses([&] { channel.send({payload_of(1, 2), std::move(more)}); }));  // and does not wait for ever
}

void credit_for_frames_never_sent_is_refused() {
  Pair pair;
  FrameChannel channel(pair.ours.get(), kCredit);
  const std::vector<std::byte> taken = {std::byte{0x92}, std::byte{dcp::frames::kTaken}, std::byte{1}};
  write_all(pair.theirs.get(), with_header(3, 0, taken));
  CHECK(channel.receive());
  CHECK(refuses([&] { channel.next(); }));
}

}  // namespace

int main() {
  shared_memory_waits_for_credit();
  a_frame_larger_than_the_credit_goes_alone();
  credit_for_frames_never_sent_is_refused();
  pieces_make_frames();
  large_frames_come_back();
  descriptors_stay_with_their_frame();
  broken_headers_are_refused();
  descriptors_of_no_frame_are_refused();
  a_peer_that_leaves_is_noticed();
  return dcp::test::failures != 0;
}
