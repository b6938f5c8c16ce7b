// What sealing costs, in pairs: the start of a child that seals itself against that of one that does not, and round
// trips of messages as a slice makes them, in both. Prints JSON; benchmarks/test_sealing.py reads it.
#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <vector>

#include "isolation/descriptors.hpp"
#include "isolation/seal.hpp"

namespace {

using dcp::isolation::Forked;
using dcp::isolation::Prepared;

constexpr int kStarts = 100, kRounds = 60, kTrips = 500;

double now_us() {
  timespec time{};
  clock_gettime(CLOCK_MONOTONIC, &time);
  return static_cast<double>(time.tv_sec) * 1e6 + static_cast<double>(time.tv_nsec) / 1e3;
}

/// A child that answers each message, sealed or not; its channel.
Forked start(const Prepared& prepared, bool sealed) {
  const Forked forked = fork_isolated(prepared);
  if (forked.process != 0) return forked;
  int channel = forked.channel;
  if (sealed) {
    (void)seal(prepared, channel);
    channel = dcp::isolation::kKept;
  } else {
    (void)setsid();  // the scheduler gives each session a share of its own
  }
  char message[128];
  (void)send(channel, "s", 1, MSG_NOSIGNAL);
  for (;;) {
    pollfd waiting{channel, POLLIN, 0};
    (void)poll(&waiting, 1, -1);
    const ssize_t size = recv(channel, message, sizeof message, 0);
    if (size <= 0) _exit(0);
    (void)send(channel, message, static_cast<std::size_t>(size), MSG_NOSIGNAL);
  }
}

void end(const Forked& forked) {
  close(forked.channel);
  (void)waitpid(forked.process, nullptr, 0);
}

/// Microseconds until it says that it is ready.
double start_time(const Prepared& prepared, bool sealed) {
  const double before = now_us();
  const Forked forked = start(prepared, sealed);
  char ready = 0;
  (void)recv(forked.channel, &ready, 1, 0);
  const double took = now_us() - before;
  end(forked);
  return took;
}

/// Microseconds of a round trip. The best of many: other processes only add to it.
double trip_time(const Forked& forked) {
  char message[100] = {};
  const double before = now_us();
  for (int i = 0; i < kTrips; ++i) {
    (void)send(forked.channel, message, sizeof message, MSG_NOSIGNAL);
    (void)recv(forked.channel, message, sizeof message, 0);
  }
  return (now_us() - before) / kTrips;
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

}  // namespace

int main() {
  dcp::isolation::Limits limits;
  limits.memory = std::size_t{256} << 20;
  const Prepared prepared = dcp::isolation::prepare(limits);
  Prepared plain = prepared;
  plain.namespaces = {};

  std::vector<double> added, sealed_start, plain_start;
  for (int i = 0; i < kStarts; ++i) {
    plain_start.push_back(start_time(plain, false));
    sealed_start.push_back(start_time(prepared, true));
    added.push_back(sealed_start.back() - plain_start.back());
  }
  const Forked open = start(plain, false), closed = start(prepared, true);
  for (const Forked* each : {&open, &closed}) {
    char ready = 0;
    (void)recv(each->channel, &ready, 1, 0);
  }
  double best_open = trip_time(open), best_closed = trip_time(closed);
  for (int i = 0; i < kRounds; ++i) {
    best_open = std::min(best_open, trip_time(open));
    best_closed = std::min(best_closed, trip_time(closed));
  }
  end(open);
  end(closed);
  std::printf(
      "{\"plain_start_us\": %.1f, \"sealed_start_us\": %.1f, \"added_us\": %.1f, \"plain_trip_us\": %.3f, "
      "\"sealed_trip_us\": %.3f}\n",
      median(plain_start), median(sealed_start), median(added), best_open, best_closed);
}
