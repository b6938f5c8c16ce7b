// The event loop: who is called when, and what may change while callbacks run.
#include "runtime/event_loop.hpp"

#include <unistd.h>

#include <string>

#include "check.hpp"
#include "ipc/descriptor.hpp"

using dcp::ipc::Descriptor;
using dcp::runtime::EventLoop;
using dcp::runtime::monotonic_ms;

namespace {

struct Pipe {
  Pipe() {
    int ends[2];
    CHECK_EQ(pipe(ends), 0);
    in = Descriptor(ends[0]);
    out = Descriptor(ends[1]);
  }
  void put() { CHECK_EQ(write(out.get(), "x", 1), 1); }
  void take() {
    char byte;
    CHECK_EQ(read(in.get(), &byte, 1), 1);
  }
  Descriptor in, out;
};

// What a loop does is written down as a text, a letter an event.
void readable_descriptors_are_called() {
  EventLoop loop;
  Pipe a, b;
  std::string log;
  loop.watch(a.in.get(), [&] { a.take(), log += 'a'; });
  loop.watch(b.in.get(), [&] { b.take(), log += 'b'; });
  const auto between = [&] { log += '.'; };
  a.put();
  loop.run_once(between);
  CHECK_EQ(log, "a.");
  b.put();
  loop.run_once(between);
  CHECK_EQ(log, "a.b.");
}

void a_hang_up_is_an_event() {
  EventLoop loop;
  Pipe pipe;
  bool called = false;
  loop.watch(pipe.in.get(), [&] { called = true; });
  pipe.out = Descriptor();
  loop.run_once([] {});
  CHECK(called);
}

void callbacks_may_unwatch_each_other() {
  EventLoop loop;
  Pipe a, b;
  int calls = 0;
  const auto only_one = [&] {
    ++calls;
    loop.unwatch(a.in.get());
    loop.unwatch(b.in.get());
  };
  loop.watch(a.in.get(), only_one);
  loop.watch(b.in.get(), only_one);
  a.put();
  b.put();
  loop.run_once([] {});
  CHECK_EQ(calls, 1);
}

void stopping_ends_the_turn() {
  EventLoop loop;
  Pipe a, b;
  int calls = 0;
  const auto stop = [&] {
    ++calls;
    loop.stop();
  };
  loop.watch(a.in.get(), stop);
  loop.watch(b.in.get(), stop);
  loop.set_timer(monotonic_ms());
  loop.on_timer([&] { ++calls; });
  a.put();
  b.put();
  loop.run_once([] {});
  CHECK(calls == 1 && loop.stopped());
}

void again_calls_once_more_without_an_event() {
  EventLoop loop;
  Pipe pipe;
  int calls = 0;
  loop.watch(pipe.in.get(), [&] {
    if (++calls < 3) loop.again(pipe.in.get());
  });
  loop.again(pipe.in.get());
  for (int turn = 0; turn < 3; ++turn) loop.run_once([] {});
  CHECK_EQ(calls, 3);
  loop.set_timer(monotonic_ms());
  loop.run_once([] {});  // would call a fourth time if the third had asked for it
  CHECK_EQ(calls, 3);
}

void a_look_calls_without_an_event() {
  EventLoop loop;
  Pipe a, b;
  std::string log;
  bool due = true;
  loop.watch(a.in.get(), [&] { log += 'a'; });
  loop.watch(b.in.get(), [&] { b.take(), log += 'b'; });
  loop.look(a.in.get(), [&] { return due; });
  loop.run_once([] {});
  CHECK_EQ(log, "a");
  due = false;
  b.put();
  loop.run_once([] {});
  CHECK_EQ(log, "ab");
  due = true;
  loop.look(-1, nullptr);
  b.put();
  loop.run_once([] {});
  CHECK_EQ(log, "abb");
}

void the_timer_is_due_once_and_not_early() {
  EventLoop loop;
  int due = 0, between = 0;
  loop.on_timer([&] { ++due; });
  const double deadline = monotonic_ms() + 20;
  loop.set_timer(deadline);
  while (due == 0) loop.run_once([&] { ++between; });
  CHECK(monotonic_ms() >= deadline);
  CHECK(due == 1 && between == 1 && !loop.has_timer());
  loop.set_timer(monotonic_ms() - 1000);
  CHECK(loop.has_timer());
  loop.run_once([] {});
  CHECK_EQ(due, 2);
}

void a_timer_may_set_the_next_one() {
  EventLoop loop;
  int due = 0;
  loop.on_timer([&] {
    if (++due < 3) loop.set_timer(0.0);
  });
  loop.set_timer(0.0);
  for (int turn = 0; turn < 3; ++turn) loop.run_once([] {});
  CHECK(due == 3 && !loop.has_timer());
}

void a_far_deadline_does_not_overflow() {
  EventLoop loop;
  Pipe pipe;
  bool called = false;
  loop.watch(pipe.in.get(), [&] { called = true; });
  loop.set_timer(1e300);
  pipe.put();
  loop.run_once([] {});
  CHECK(called && loop.has_timer());
}

void pending_work_is_counted() {
  EventLoop loop;
  loop.add_pending(2);
  loop.add_pending(-1);
  CHECK_EQ(loop.pending(), 1);
}

}  // namespace

int main() {
  readable_descriptors_are_called();
  a_hang_up_is_an_event();
  callbacks_may_unwatch_each_other();
  stopping_ends_the_turn();
  again_calls_once_more_without_an_event();
  a_look_calls_without_an_event();
  the_timer_is_due_once_and_not_early();
  a_timer_may_set_the_next_one();
  a_far_deadline_does_not_overflow();
  pending_work_is_counted();
  return dcp::test::failures != 0;
}
