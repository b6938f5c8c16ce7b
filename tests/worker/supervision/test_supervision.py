"""The supervisor against a world that does anything in any order: no slice is lost, none ends twice."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from dcp_protocol.messages.bodies import JsonText
from dcp_worker.scheduling.room import Limits
from dcp_worker.supervision import actions as act
from dcp_worker.supervision.machine import STOP_REASON, Machine
from dcp_worker.supervision.options import SupervisionOptions
from dcp_worker.tasks.capabilities import Capability, Worktime
from dcp_worker.tasks.job import Job, JobMetrics
from dcp_worker.tasks.slices import Authorization, Slice, SliceKey, SliceMetrics
from dcp_worker.tasks.task import Lifetimes, SchedulerRules, Task

pytestmark = pytest.mark.any_engine

LIMITS = Limits(cpu=2, gpu=1, sandboxes=3)
AUTHORIZATION = Authorization(JsonText(b"{}"))
QUICK = SliceMetrics(cpu_time=10, total_time=10)
ON_GPU = SliceMetrics(cpu_time=1, gpu_time=10, total_time=10)


def job(identity: str, **rest: Any) -> Job:
    return Job(identity=identity, code="data:,x", worktime=Worktime("map-basic", "1.0.0"), **rest)


def slices(identity: str, numbers: range, **rest: Any) -> list[Slice]:
    return [
        Slice(key=SliceKey(identity, number), datum="data:,1", authorization=AUTHORIZATION, **rest)
        for number in numbers
    ]


class World:
    """A machine, and what it has asked for."""

    def __init__(self, limits: Limits = LIMITS, **options: Any) -> None:
        self.machine = Machine(limits, SupervisionOptions(**options))
        self.machine.admission.capabilities = Capability.WEBGPU | Capability.FDLIBM
        self.now = 100.0
        self.starting: list[int] = []
        self.assigning: list[int] = []
        self.working: dict[int, Slice] = {}
        self.fetching_jobs: list[str] = []
        self.fetching_data: list[SliceKey] = []
        self.asked: list[act.FetchTask] = []
        self.told: list[act.ReportLiveness] = []
        self.submitted: list[SliceKey] = []
        self.returned: list[tuple[SliceKey, str]] = []
        self.returns: list[act.ReturnSlices] = []
        self.warnings: list[str] = []
        self.forgotten: list[str] = []
        self.stopped = 0
        self.machine.start(self.now)
        self.obey()

    def obey(self) -> None:
        for action in self.machine.take_actions():
            self._obey(action)

    def _obey(self, action: act.Action) -> None:
        match action:
            case act.StartSandbox(number):
                self.starting.append(number)
            case act.AssignSandbox(number):
                self.assigning.append(number)
            case act.Work(number, one):
                assert number not in self.working
                self.working[number] = one
            case act.EndSandbox(number):
                self._forget(number)
            case act.FetchJob(fetched):
                self.fetching_jobs.append(fetched.identity)
            case act.FetchDatum(one):
                self.fetching_data.append(one.key)
            case act.FetchTask():
                self.asked.append(action)
            case act.ReportLiveness():
                self.told.append(action)
            case act.SubmitResult(one):
                self.submitted.append(one.key)
            case act.ReturnSlices(ones, reason):
                self.returns.append(action)
                self.returned += [(one.key, reason) for one in ones]
            case act.Warn(message):
                self.warnings.append(message)
            case act.ForgetJob(identity):
                self.forgotten.append(identity)
            case act.Stopped():
                self.stopped += 1

    def _forget(self, number: int) -> None:
        self.working.pop(number, None)
        for numbers in (self.starting, self.assigning):
            if number in numbers:
                numbers.remove(number)

    def call(self, name: str, *arguments: Any, **rest: Any) -> None:
        getattr(self.machine, name)(*arguments, self.now, **rest)
        self.obey()

    def settle(self) -> None:
        """All that was asked for succeeds, but no slice ends."""
        while self.starting or self.assigning or self.fetching_jobs or self.fetching_data:
            for name, waiting in (
                ("sandbox_started", self.starting),
                ("sandbox_assigned", self.assigning),
                ("job_fetched", self.fetching_jobs),
                ("datum_fetched", self.fetching_data),
            ):
                while waiting:
                    self.call(name, waiting.pop(0))

    def finish(self, metrics: SliceMetrics = QUICK) -> Slice:
        """A slice that runs ends well."""
        number = next(iter(self.working))
        done = self.working.pop(number)
        self.call("slice_finished", number, metrics)
        self.settle()
        return done

    def give(self, *jobs: Job, numbers: range = range(4), **rest: Any) -> None:
        everything = [one for each in jobs for one in slices(each.identity, numbers, **rest)]
        self.call("task_received", Task(jobs={each.identity: each for each in jobs}, slices=everything))
        self.settle()


def running(world: World) -> Counter[str]:
    return Counter(one.key.job for one in world.working.values())


def test_nothing_is_asked_for_before_a_sandbox_has_started() -> None:
    world = World()
    assert world.starting == [1]
    assert not world.asked
    world.settle()
    assert [asked.load.cpu for asked in world.asked] == [2]


def test_slices_run_as_the_cores_allow_and_all_are_submitted() -> None:
    world = World()
    world.settle()
    world.give(job("a"), numbers=range(10))
    assert len(world.working) == 2
    while world.working:
        world.finish()
    assert sorted(world.submitted) == [SliceKey("a", number) for number in range(10)]
    assert not world.returned


def test_a_sandbox_keeps_its_job_and_is_replaced_after_so_many_slices() -> None:
    world = World(Limits(1, 0, 1), sandbox_uses=3)
    world.settle()
    world.give(job("a"), numbers=range(7))
    used = []
    while world.working:
        used.append(next(iter(world.working)))
        world.finish()
    assert [used.count(number) for number in dict.fromkeys(used)] == [3, 3, 1]


def test_jobs_share_the_cores() -> None:
    world = World(Limits(4, 0, 8))
    world.settle()
    world.give(job("a"), job("b"), numbers=range(8))
    for _ in range(3):
        world.finish()
    assert running(world) == {"a": 2, "b": 2}


def test_slices_of_little_density_share_a_core() -> None:
    world = World(Limits(1, 0, 8))
    world.settle()
    world.give(job("a", metrics=JobMetrics(cpu_time=100, cpu_density=0.25)), numbers=range(8))
    assert running(world) == {"a": 4}


def test_long_slices_leave_cores_to_short_ones() -> None:
    world = World(Limits(4, 0, 8))
    world.settle()
    long, short = job("long"), job("short")
    task = [*slices("long", range(8), is_long=True), *slices("short", range(8))]
    world.call("task_received", Task(jobs={"long": long, "short": short}, slices=task))
    world.settle()
    for _ in range(2):
        world.finish()
    assert running(world) == {"long": 2, "short": 2}


def test_what_fits_no_gpu_is_returned_and_the_gpu_rests_for_the_share_that_is_not_ours() -> None:
    world = World(Limits(2, 0, 3))
    world.settle()
    world.give(job("g", needs=Capability.WEBGPU), numbers=range(1))
    assert world.returned == [(SliceKey("g", 0), "this worker does not do this job")]

    world = World(Limits(2, 0.5, 3))
    world.settle()
    world.give(job("g", needs=Capability.WEBGPU), numbers=range(2))
    assert len(world.working) == 1
    world.finish(SliceMetrics(cpu_time=1, gpu_time=1000, total_time=1000))
    assert not world.working
    world.now += 0.9
    world.call("tick")
    assert not world.working
    world.now += 0.2
    assert world.machine.deadline() is not None
    world.call("tick")
    assert len(world.working) == 1


def test_what_the_evaluator_lacks_is_not_done() -> None:
    world = World()
    world.settle()
    world.give(job("a", needs=Capability.OFFSCREEN_CANVAS), numbers=range(1))
    assert len(world.returned) == 1
    assert not world.fetching_jobs


def test_a_slice_whose_sandbox_dies_runs_again_and_is_returned_the_second_time() -> None:
    world = World(Limits(1, 0, 1))
    world.settle()
    world.give(job("a"), numbers=range(1))
    for _ in range(2):
        number, _ = world.working.popitem()
        world.call("sandbox_ended", number, "SIGKILL")
        world.settle()
    assert [key for key, _ in world.returned] == [SliceKey("a", 0)]
    assert "SIGKILL" in world.returned[0][1]


def test_an_evaluator_that_is_down_gets_nothing_more_and_all_is_returned() -> None:
    world = World(start_failures=3)
    world.settle()
    world.give(job("a"), numbers=range(3))
    asked = len(world.asked)
    for number in list(world.working):
        world.working.pop(number)
        world.call("sandbox_ended", number, "it ended")
    for _ in range(3):
        while world.starting:
            world.call("sandbox_ended", world.starting.pop(), "it does not start")
        world.now += 60
        world.call("tick")
    assert sorted(key for key, _ in world.returned) == [SliceKey("a", number) for number in range(3)]
    assert len(world.asked) == asked
    world.settle()
    assert len(world.asked) == asked + 1


def test_sandboxes_that_cannot_be_made_are_tried_again_ever_more_slowly() -> None:
    world = World()
    pauses = []
    for _ in range(8):
        world.call("sandbox_ended", world.starting.pop(), "no memory")
        assert not world.starting
        deadline = world.machine.deadline()
        assert deadline is not None
        before, world.now = world.now, max(world.now, world.machine._dispatcher.boxes.retry_at or 0)
        pauses.append(world.now - before)
        world.call("tick")
    assert pauses == [1, 2, 4, 8, 16, 32, 32, 32]


def test_a_job_whose_work_function_refuses_once_too_often_is_rejected() -> None:
    world = World(Limits(1, 0, 1))
    world.settle()
    world.give(job("a"), numbers=range(3))
    for _ in range(3):
        number, _ = world.working.popitem()
        world.call("slice_rejected", number, "not here", 2, QUICK)
        world.settle()
    assert {key for key, _ in world.returned} == {SliceKey("a", number) for number in range(3)}
    assert {(returned.reason, returned.code, returned.retries) for returned in world.returns} == {
        ("not here", "EWORKREJECT", 2)
    }
    world.give(job("a"), numbers=range(3, 4))
    assert world.returned[-1] == (SliceKey("a", 3), "this worker does not do this job")
    world.now += 100
    world.call("tick")
    assert world.asked[-1].rejected_jobs == ("a",)


def test_refused_tries_count_in_the_metrics() -> None:
    world = World(Limits(1, 0, 1))
    world.settle()
    world.give(job("a"), numbers=range(1))
    number, _ = world.working.popitem()
    world.machine.slice_rejected(number, "again", 1, QUICK, world.now)
    world.obey()
    world.settle()
    number, _ = world.working.popitem()
    world.machine.slice_finished(number, replace(QUICK, output_size=7), world.now)
    submitted = [action for action in world.machine.take_actions() if isinstance(action, act.SubmitResult)]
    assert [action.metrics for action in submitted] == [SliceMetrics(20, 0, 20, 0, 7)]


def test_a_job_that_no_sandbox_takes_is_given_up_after_two_tries() -> None:
    world = World(Limits(1, 0, 1))
    world.settle()
    world.call("task_received", Task(jobs={"a": job("a")}, slices=slices("a", range(5))))
    world.call("job_fetched", world.fetching_jobs.pop())
    for _ in range(2):
        while world.starting:
            world.call("sandbox_started", world.starting.pop())
        world.call("assign_failed", world.assigning.pop(), "EASSIGN", "SyntaxError: no")
    assert sorted(key.number for key, _ in world.returned) == list(range(5))
    assert world.forgotten == ["a"]


def test_code_and_data_that_cannot_be_had_give_the_slices_back() -> None:
    world = World()
    world.settle()
    given = [*slices("a", range(2)), replace(slices("a", range(2, 3))[0], datum="http://localhost/2")]
    world.call("task_received", Task(jobs={"a": job("a")}, slices=given))
    world.call("datum_failed", world.fetching_data.pop(), "404", "ESLICEFETCH")
    assert world.returned == [(SliceKey("a", 2), "404")]
    world.call("job_failed", world.fetching_jobs.pop(), "no code", "EJOBFETCH")
    assert sorted(world.returned[1:]) == [(SliceKey("a", 0), "no code"), (SliceKey("a", 1), "no code")]


def test_duplicates_are_returned_at_once_until_the_result_is_acknowledged() -> None:
    world = World(Limits(1, 0, 1))
    world.settle()
    world.give(job("a"), numbers=range(1))
    world.give(job("a"), numbers=range(1))
    world.finish()
    world.give(job("a"), numbers=range(1))
    assert world.returned == [(SliceKey("a", 0), "return duplicate slice")] * 2
    world.call("result_acknowledged", SliceKey("a", 0))
    world.give(job("a"), numbers=range(1))
    assert len(world.working) == 1


def test_work_is_asked_for_before_it_runs_out_and_not_while_there_is_enough() -> None:
    world = World(Limits(1, 0, 1))
    world.settle()
    known = JobMetrics(cpu_time=1000, cpu_density=1)
    world.give(job("a", metrics=known), numbers=range(60))
    asked = len(world.asked)
    while len(world.asked) == asked and world.working:
        world.now += 1
        world.finish(SliceMetrics(cpu_time=1000, total_time=1000))
    assert 18 <= len(world.machine.unfinished()) <= 21


def test_after_an_empty_answer_the_next_request_waits() -> None:
    world = World(watchdog_interval=7)
    world.settle()
    world.call("task_received", Task())
    assert len(world.asked) == 1
    assert world.machine.is_answered
    assert world.machine.deadline() == world.now + 7
    world.now += 7
    world.call("tick")
    assert len(world.asked) == 2


def test_a_request_without_answer_is_given_up_after_three_minutes() -> None:
    world = World()
    world.settle()
    world.now += 181
    world.call("tick")
    assert not world.machine.is_answered
    world.now += 7
    world.call("tick")
    assert len(world.asked) == 2


def test_the_scheduler_hears_of_slices_that_are_not_finished_and_of_overdue_ones() -> None:
    world = World(Limits(1, 0, 1))
    world.settle()
    rules = SchedulerRules(target_task_duration=45, soteria_interval=60, lifetimes=Lifetimes(True, 1.0, 1.0, 1.0, 0.0))
    known = job("a", metrics=JobMetrics(cpu_time=30_000, cpu_density=1))
    world.call("task_received", Task(jobs={"a": known}, slices=slices("a", range(3)), rules=rules))
    world.settle()
    world.now += 61
    world.call("tick")
    assert world.told[-1].liveness == act.Liveness({"a": [0, 1, 2]}, {"a": [0, 1, 2]})
    world.finish(SliceMetrics(cpu_time=61_000, total_time=61_000))
    world.now += 61
    world.call("tick")
    assert world.told[-1].liveness.unfinished == {"a": [1, 2, 0]}


def test_more_than_can_be_done_in_time_is_returned() -> None:
    world = World(Limits(1, 0, 1))
    world.settle()
    rules = SchedulerRules(target_task_duration=10)
    known = job("a", metrics=JobMetrics(cpu_time=1000, cpu_density=1))
    world.call("task_received", Task(jobs={"a": known}, slices=slices("a", range(40)), rules=rules))
    world.settle()
    world.call("tick")
    assert [key.number for key, reason in world.returned if reason == "repoMan"] == list(range(21, 40))


def test_one_stop_lets_run_what_runs_and_a_hard_one_does_not() -> None:
    world = World(Limits(2, 0, 2))
    world.settle()
    world.give(job("a"), numbers=range(5))
    world.call("stop")
    assert len(world.returned) == 3
    assert not world.stopped
    world.finish()
    world.call("stop", hard=True)
    assert len(world.returned) == 4
    assert {reason for _, reason in world.returned} == {STOP_REASON}
    assert world.stopped == 1
    assert world.machine.is_stopped
    world.give(job("b"), numbers=range(1))
    assert world.returned[-1] == (SliceKey("b", 0), STOP_REASON)


def test_who_finishes_does_what_is_here_and_asks_for_nothing() -> None:
    world = World(Limits(1, 0, 2))
    world.settle()
    rules = SchedulerRules(soteria_interval=60)
    world.call("task_received", Task(jobs={"a": job("a")}, slices=slices("a", range(3)), rules=rules))
    world.settle()
    asked = len(world.asked)
    world.call("finish")
    world.give(job("b"), numbers=range(1))
    assert world.returned == [(SliceKey("b", 0), STOP_REASON)]
    world.now += 61
    assert (world.machine.deadline() or 0) <= world.now
    world.call("tick")
    assert world.told[-1].liveness.unfinished == {"a": [0, 1, 2]}
    while world.working:
        assert not world.stopped
        world.finish()
    assert (len(world.submitted), len(world.asked), world.stopped) == (3, asked, 1)
    assert world.forgotten == ["a"]


def test_who_finishes_and_may_not_work_gives_back_what_waits() -> None:
    world = World(Limits(1, 0, 2))
    world.settle()
    world.give(job("a"), numbers=range(3))
    world.call("set_limits", Limits(0, 0, 2))
    world.call("finish")
    assert (len(world.returned), world.stopped) == (3, 1)


def test_who_exits_when_done_waits_for_what_is_here_and_for_the_schedulers_word() -> None:
    world = World(Limits(1, 0, 2))
    world.machine.exit_when_done = True
    world.settle()
    world.give(job("a"), numbers=range(1))
    world.call("task_received", Task())
    world.finish()
    assert not world.stopped
    world.call("task_failed")
    assert not world.stopped
    world.call("task_received", Task())
    assert world.stopped == 1


def test_fewer_cores_take_the_youngest_slices_away() -> None:
    world = World(Limits(4, 0, 4))
    world.settle()
    world.give(job("a"), numbers=range(4))
    assert len(world.working) == 4
    world.call("set_limits", Limits(1, 0, 4))
    assert len(world.working) == 1
    assert {reason for _, reason in world.returned} == {"Worker wanted fewer running slices"}
    world.call("set_limits", Limits(0, 0, 4))
    assert not world.working


def test_where_the_cpu_rests_what_runs_finishes_what_waits_goes_back_and_sandboxes_end() -> None:
    world = World(Limits(2, 0, 4))
    world.settle()
    world.give(job("a"), numbers=range(4))
    asked = len(world.asked)
    world.call("set_limits", Limits(2, 0, 4, cpu_rests=True))
    assert {key.number for key, _ in world.returned} == {2, 3}
    assert {reason for _, reason in world.returned} == {"this worker rests"}
    world.finish()
    world.finish()
    assert len(world.submitted) == 2
    assert world.forgotten == ["a"]
    assert not list(world.machine._dispatcher.boxes)
    world.now += 3600
    world.call("tick")
    assert (len(world.asked), world.starting) == (asked, [])
    world.call("set_limits", Limits(2, 0, 4))
    world.settle()
    world.now += 2
    world.call("tick")
    assert len(world.asked) == asked + 1


def test_where_the_cpu_rests_and_nothing_may_finish_all_goes_back() -> None:
    world = World(Limits(2, 0, 4))
    world.settle()
    world.give(job("a"), numbers=range(4))
    world.call("set_limits", Limits(2, 0, 4, cpu_rests=True), hard=True)
    assert not world.working
    assert len(world.returned) == 4


def test_where_the_cpu_rests_jobs_for_the_gpu_go_on() -> None:
    world = World(Limits(3, 1, 4))
    world.settle()
    on_gpu = job("g", needs=Capability.WEBGPU)
    world.give(job("a"), on_gpu, numbers=range(2))
    world.call("set_limits", Limits(3, 1, 4, cpu_rests=True), hard=True)
    assert running(world) == {"g": 1}
    world.finish(ON_GPU)
    world.finish(ON_GPU)
    world.now += 30
    world.call("tick")
    assert (world.asked[-1].load.cpu, world.asked[-1].load.gpu) == (1, 1)
    world.give(job("a"), on_gpu, numbers=range(5, 6))
    assert running(world) == {"g": 1}
    assert world.returned[-1] == (SliceKey("a", 5), "this worker does not do this job")
    world.finish(ON_GPU)
    world.now += 30
    world.call("tick")
    assert world.asked[-1].rejected_jobs == ("a",)
    world.call("task_failed")
    world.call("set_limits", Limits(3, 1, 4))
    world.now += 30
    world.call("tick")
    assert world.asked[-1].rejected_jobs == ()


def test_a_gpu_that_rests_is_not_asked_for_and_its_jobs_go_back() -> None:
    world = World(Limits(3, 1, 4))
    world.settle()
    on_gpu = job("g", needs=Capability.WEBGPU)
    world.give(job("a"), on_gpu, numbers=range(2))
    world.call("set_limits", Limits(3, 0, 4))
    assert world.returned == [(SliceKey("g", 1), "this worker rests")]
    world.call("set_limits", Limits(3, 0, 4), hard=True)
    assert running(world) == {"a": 2}
    world.finish()
    world.finish()
    world.now += 30
    world.call("tick")
    assert (world.asked[-1].load.cpu, world.asked[-1].load.gpu) == (3, 0)


def test_with_other_gpus_jobs_get_new_sandboxes() -> None:
    world = World(Limits(3, 1, 4))
    world.settle()
    world.give(job("g", needs=Capability.WEBGPU), numbers=range(3))
    (first,) = world.working
    world.call("gpus_changed")
    assert list(world.working) == [first]
    world.finish(ON_GPU)
    (second,) = world.working
    assert second != first
    world.call("gpus_changed", hard=True)
    assert list(world.working) == [second]
    world.call("gpus_changed")
    world.call("gpus_changed", hard=True)
    world.settle()
    assert second not in world.working
    assert running(world) == {"g": 1}
    assert not world.returned


def test_only_allowed_jobs_are_done() -> None:
    world = World()
    world.machine.admission.allowed_jobs = frozenset({"b"})
    world.settle()
    world.give(job("a"), job("b"), numbers=range(1))
    assert running(world) == {"b": 1}


class Anything(RuleBasedStateMachine):
    """Every event that there is, for things that are there and for things that are not."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World(Limits(2, 1, 3), sandbox_uses=3)
        self.given: Counter[SliceKey] = Counter()
        self.next = 0

    @rule(name=st.sampled_from("abc"), count=st.integers(1, 4), gpu=st.booleans(), http=st.booleans())
    def task(self, name: str, count: int, gpu: bool, http: bool) -> None:
        needs = Capability.WEBGPU if gpu else Capability.NONE
        given = slices(name, range(self.next, self.next + count))
        self.next += count - 1  # the last comes again
        if http:
            given = [replace(one, datum="http://localhost/") for one in given]
        self.given.update(one.key for one in given)
        self.world.call("task_received", Task(jobs={name: job(name, needs=needs)}, slices=given))

    @rule(seconds=st.floats(0, 300))
    def time(self, seconds: float) -> None:
        self.world.now += seconds
        self.world.call("tick")

    @precondition(lambda self: self.world.starting)
    @rule(works=st.booleans())
    def start(self, works: bool) -> None:
        number = self.world.starting.pop()
        if works:
            self.world.call("sandbox_started", number)
        else:
            self.world.call("sandbox_ended", number, "no")

    @precondition(lambda self: self.world.assigning)
    @rule(works=st.booleans())
    def assign(self, works: bool) -> None:
        number = self.world.assigning.pop()
        if works:
            self.world.call("sandbox_assigned", number)
        else:
            self.world.call("assign_failed", number, "E", "no")

    @precondition(lambda self: self.world.working)
    @rule(how=st.integers(0, 3), gpu=st.sampled_from([0, 5000]))
    def end_slice(self, how: int, gpu: int) -> None:
        number, _ = self.world.working.popitem()
        metrics = SliceMetrics(5, gpu, 10)
        if how == 0:
            self.world.call("slice_finished", number, metrics)
        elif how == 1:
            self.world.call("slice_rejected", number, "no", 1, metrics)
        elif how == 2:
            self.world.call("slice_failed", number, "E", "no")
        else:
            self.world.call("sandbox_ended", number, "died")

    @precondition(lambda self: self.world.fetching_jobs)
    @rule(works=st.booleans())
    def fetch_job(self, works: bool) -> None:
        name = self.world.fetching_jobs.pop()
        self.world.call(*(("job_fetched", name) if works else ("job_failed", name, "no", "E")))

    @precondition(lambda self: self.world.fetching_data)
    @rule(works=st.booleans())
    def fetch_datum(self, works: bool) -> None:
        key = self.world.fetching_data.pop()
        self.world.call(*(("datum_fetched", key) if works else ("datum_failed", key, "no", "E")))

    @precondition(lambda self: self.world.submitted)
    @rule()
    def acknowledge(self) -> None:
        self.world.call("result_acknowledged", self.world.submitted[-1])

    @rule(number=st.integers(0, 5))
    def nonsense(self, number: int) -> None:
        self.world.call("sandbox_ended", 1000 + number, "who?")
        self.world.call("slice_finished", 1000 + number, QUICK)
        self.world.call("job_fetched", "nobody")
        self.world.call("datum_fetched", SliceKey("nobody", number))

    @rule(
        cpu=st.integers(0, 3), gpu=st.integers(0, 1), sandboxes=st.integers(1, 3), rests=st.booleans(),
        hard=st.booleans(),
    )  # fmt: skip
    def limits(self, cpu: int, gpu: int, sandboxes: int, rests: bool, hard: bool) -> None:
        self.world.call("set_limits", Limits(cpu, gpu, sandboxes, cpu_rests=rests), hard=hard)
        jobs = self.world.machine.jobs()
        allowed = {name for name, one in jobs.items() if (gpu if one.uses_gpu else not rests)}
        assert not hard or {one.key.job for one in self.world.working.values()} <= allowed

    @rule(hard=st.booleans())
    def other_gpus(self, hard: bool) -> None:
        self.world.call("gpus_changed", hard=hard)

    @invariant()
    def every_slice_is_somewhere_once(self) -> None:
        here = Counter(one.key for one in self.world.machine.unfinished())
        ended = Counter(self.world.submitted) + Counter(key for key, _ in self.world.returned)
        assert here + ended == self.given

    @invariant()
    def nothing_is_due_after_a_tick(self) -> None:
        self.world.call("tick")
        deadline = self.world.machine.deadline()
        assert deadline is None or deadline > self.world.now

    @invariant()
    def what_rests_has_nothing_that_waits(self) -> None:
        limits = self.world.machine.limits
        working = {one.key for one in self.world.working.values()}
        for one in self.world.machine.unfinished():
            if not limits.allow(uses_gpu=self.world.machine.jobs()[one.key.job].uses_gpu):
                assert one.key in working

    @invariant()
    def no_more_work_than_fits(self) -> None:
        assert len(self.world.working) <= 3

    def teardown(self) -> None:
        self.world.call("stop")
        self.world.call("stop", hard=True)
        assert self.world.stopped == 1
        assert not self.world.working
        self.every_slice_is_somewhere_once()


TestAnything = Anything.TestCase
TestAnything.settings = settings(max_examples=60, stateful_step_count=60)


class AnythingAndFinish(Anything):
    """The same, and somewhere between it is told to finish."""

    asked = -1

    @precondition(lambda self: self.asked < 0)
    @rule()
    def finish(self) -> None:
        self.world.call("finish")
        self.asked = len(self.world.asked)

    @invariant()
    def it_asks_for_nothing_and_ends_when_nothing_is_left(self) -> None:
        if self.asked >= 0:
            assert len(self.world.asked) == self.asked
            assert self.world.stopped == (not self.world.machine.unfinished())


TestAnythingAndFinish = AnythingAndFinish.TestCase
TestAnythingAndFinish.settings = settings(max_examples=60, stateful_step_count=60)
