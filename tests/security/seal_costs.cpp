// What sealing costs, in pairs: the start of a child that seals itself against that of one that does not, and round
// trips of messages as a slice makes them, in both. Prints JSON; benchmarks/test_sealing.py reads it.
//
// For round trips all run on one CPU: then a trip is system calls and two switches, and does not wait for another CPU
// to wake up, which takes as long and varies by as much as the trip itself. Where a child's memory happens to lie makes
// a difference of a hundredth, so that there are many pairs of children.
#include <poll.h>
#include <sched.h>
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

constexpr int kStarts = 100, kPairs = 24, kRounds = 60, kTrips = 100;

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

/// Microseconds of a round trip.
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

void stay_on_this_cpu() {
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(static_cast<unsigned>(sched_getcpu()), &one);
  (void)sched_setaffinity(0, sizeof one, &one);
}

void wait_until_ready(const Forked& forked) {
  char ready = 0;
  (void)recv(forked.channel, &ready, 1, 0);
}

struct Trips {
  std::vector<double> ratios;  ///< sealed to unsealed, of each pair of children
  double sealed, open;         ///< the shortest, in microseconds
};

/// Of one pair of children, in turns. Who is made first, and who is asked first, changes.
double trip_ratio(const Prepared& prepared, const Prepared& plain, bool sealed_first, Trips& trips) {
  const Forked first = sealed_first ? start(prepared, true) : start(plain, false);
  wait_until_ready(first);
  const Forked second = sealed_first ? start(plain, false) : start(prepared, true);
  wait_until_ready(second);
  const Forked &closed = sealed_first ? first : second, &open = sealed_first ? second : first;
  std::vector<double> ratios;
  for (int i = 0; i < kRounds; ++i) {
    double sealed_time = 0, open_time = 0;
    if (i % 2 == 0) sealed_time = trip_time(closed);
    open_time = trip_time(open);
    if (i % 2 == 1) sealed_time = trip_time(closed);
    ratios.push_back(sealed_time / open_time);
    trips.sealed = std::min(trips.sealed, sealed_time);
    trips.open = std::min(trips.open, open_time);
  }
  end(second);
  end(first);
  return median(ratios);
}

Trips measure_trips(const Prepared& prepared, const Prepared& plain) {
  stay_on_this_cpu();
  Trips trips{{}, 1e9, 1e9};
  for (int i = 0; i < kPairs; ++i) trips.ratios.push_back(trip_ratio(prepared, plain, i % 2 == 1, trips));
  return trips;
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
  const Trips trips = measure_trips(prepared, plain);
  std::printf(
      "{\"plain_start_us\": %.1f, \"sealed_start_us\": %.1f, \"added_us\": %.1f, \"plain_trip_us\": %.3f, "
      "\"sealed_trip_us\": %.3f, \"trip_ratios\": [",
      median(plain_start), median(sealed_start), median(added), trips.open, trips.sealed);
  for (std::size_t i = 0; i < trips.ratios.size(); ++i) std::printf("%s%.4f", i == 0 ? "" : ", ", trips.ratios[i]);
  std::puts("]}");
}
