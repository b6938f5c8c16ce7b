"""A job goes on whatever its evaluators do: they fail in any call, answer in any order, or talk nonsense."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

import dcp_evaluator as dcp
from dcp_evaluator.clusters import evaluators, membership, messages
from dcp_evaluator.clusters.messages import Batch, Outputs
from dcp_evaluator.clusters.versions import tell_versions
from dcp_evaluator.errors import WorkFunctionError
from dcp_evaluator.frames.fields import NO_METRICS
from stand_in_ray import stand_in_ray

pytestmark = pytest.mark.any_engine

_DOUBLE = "x => 2 * x"


def answer(index: int, value: Any) -> tuple[Any, ...]:
    return (messages.RESULT, index, value, tuple(NO_METRICS))


@pytest.fixture(autouse=True)
def nodes_come_again_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """After a failure."""
    monkeypatch.setattr(membership, "_PAUSE", 0.01)
    monkeypatch.setattr(evaluators, "_LOOK_SECONDS", 0.1)


class Doubler:
    """An evaluator that runs nothing, and doubles."""

    def __init__(self) -> None:
        self.items: deque[tuple[Any, ...]] = deque()
        self.fed = 0
        self.end: Any = None
        self.replies = 0
        self.is_closed = False
        self.arrival = threading.Condition()

    def hello(self) -> dict[str, Any]:
        return tell_versions()

    def begin(self, *arguments: Any) -> None:
        pass

    def feed(self, batch: Batch) -> None:
        with self.arrival:
            self.fed += len(batch.indices)
            for index, payload in zip(batch.indices, batch.payloads, strict=True):
                self.items.append(answer(index, 2 * msgspec.msgpack.decode(payload)))
            self.arrival.notify()

    def poll(self, timeout: float, linger: float) -> Outputs:
        with self.arrival:
            self.arrival.wait_for(lambda: self.items or self.is_closed or self.end is not None, timeout)
            items = list(self.items)
            self.items.clear()
            self.replies += 1
            return Outputs(self.replies, items, 0.001, self.end)

    def close(self) -> None:
        with self.arrival:
            self.is_closed = True
            self.arrival.notify_all()


def doubled(job: dcp.Job) -> list[Any]:
    return list(job.cluster_exec())


def test_the_stand_in_runs_jobs():
    with stand_in_ray(lambda number: Doubler(), nodes=3) as ray:
        assert doubled(dcp.compute_for(range(10_000), _DOUBLE)) == [2 * x for x in range(10_000)]
        assert ray.calls < 1000
        assert all(actor.evaluator.is_closed for actor in ray.actors)


def test_few_slices_are_spread_though_one_evaluator_could_take_them_all():
    class Waiting(Doubler):
        """Until all slices are somewhere."""

        def feed(self, batch: Batch) -> None:
            super().feed(batch)
            if sum(actor.evaluator.fed for actor in ray.actors) == 6:
                fed.set()

        def poll(self, timeout: float, linger: float) -> Outputs:
            assert fed.wait(60)
            return super().poll(timeout, linger)

    fed = threading.Event()
    with stand_in_ray(lambda number: Waiting(), nodes=3) as ray:
        job = dcp.compute_for(range(6), _DOUBLE)
        assert list(job.cluster_exec(sandboxes_per_node=10)) == [2 * x for x in range(6)]
        assert [actor.evaluator.fed for actor in ray.actors] == [2, 2, 2]


@pytest.mark.parametrize("method", ["hello", "begin", "feed", "poll"])
def test_a_call_that_fails_is_the_end_of_that_evaluator_alone(method):
    class Faulty(Doubler):
        def fail(self, *arguments: Any) -> Any:
            raise OSError("the network is down")

    with stand_in_ray(lambda number: Faulty() if number == 0 else Doubler()):
        job = dcp.compute_for(range(1000), _DOUBLE)
        events = []
        job.on("node", lambda event: events.append((event.state, event.reason)))
        setattr(Faulty, method, Faulty.fail)
        assert doubled(job) == [2 * x for x in range(1000)]
        assert ("lost", "the network is down") in events


def test_batches_that_do_not_arrive_do_not_hold_up_the_job():
    """Polls go on meanwhile, and bring nothing."""

    class Deaf(Doubler):
        def feed(self, batch: Batch) -> None:
            raise OSError("it has not arrived")

    with stand_in_ray(lambda number: Deaf() if number == 0 else Doubler()):
        assert doubled(dcp.compute_for(range(10), _DOUBLE)) == [2 * x for x in range(10)]


@pytest.mark.parametrize("end", ["the sandboxes are gone", WorkFunctionError("it is wrong")])
def test_an_end_that_several_polls_tell_in_any_order_counts_once(end):
    class Ending(Doubler):
        """The second poll is answered before the first."""

        def __init__(self) -> None:
            super().__init__()
            self.has_answered = threading.Event()

        def poll(self, timeout: float, linger: float) -> Outputs:
            with self.arrival:
                self.replies += 1
                number = self.replies
            if number == 1:
                assert self.has_answered.wait(10)
                time.sleep(0.05)
            self.has_answered.set()
            return Outputs(number, [], 0.0, end)

    with stand_in_ray(lambda number: Ending() if number == 0 else Doubler()):
        job = dcp.compute_for(range(100), _DOUBLE)
        if isinstance(end, str):
            with pytest.raises(dcp.ClusterError, match=r"no node of the cluster can run the job\nhere .* are gone"):
                doubled(job)
        else:
            with pytest.raises(WorkFunctionError, match="it is wrong"):
                doubled(job)


@pytest.mark.parametrize("index", [99, 10**6])
def test_an_evaluator_that_answers_what_it_was_not_given_is_lost(index):
    class Liar(Doubler):
        def begin(self, *arguments: Any) -> None:
            self.items.append(answer(index, "a lie"))

    with stand_in_ray(lambda number: Liar() if number == 0 else Doubler()):
        job = dcp.compute_for(range(100), _DOUBLE)
        events = []
        job.on("node", events.append)
        assert doubled(job) == [2 * x for x in range(100)]
        (lost,) = [event for event in events if event.state == "lost"]
        assert lost.reason == "an answer to a slice that the node does not have"


def test_a_slice_that_ends_evaluators_fails_and_the_others_do_not():
    class Mortal(Doubler):
        """Its process dies of slice 70."""

        def poll(self, timeout: float, linger: float) -> Outputs:
            outputs = super().poll(timeout, linger)
            if any(output[1] == 70 for output in outputs.items):
                raise OSError("its process died")
            return outputs

    with stand_in_ray(lambda number: Mortal(), nodes=8):
        results = dcp.compute_for(range(100), _DOUBLE).cluster_exec(retries=0).wait()
        assert list(results.errors) == [70]
        assert results.errors[70].code == "ENODE"
        assert results.errors[70].message.startswith("its node was lost, ")
        assert results.values(errors="skip") == [2 * x for x in range(100) if x != 70]


def test_values_that_a_job_cannot_read_are_not_told():
    """Code that is hostile may send them; results that cannot be read fail their slices."""

    class Hostile(Doubler):
        def begin(self, *arguments: Any) -> None:
            self.items += [(messages.PROGRESS, 0, b"\xc1"), (messages.EMIT, 0, "part", b"\xc1")]

    def increment(x: int) -> int:
        return x + 1

    with stand_in_ray(lambda number: Hostile()):
        job = dcp.compute_for(range(3), increment)
        told = []
        job.on("progress", told.append)
        job.work.on("part", told.append)
        results = job.cluster_exec()
        assert {error.code for error in results.wait().errors.values()} == {"ERESULT"}
        assert told == []


def test_answers_are_read_while_inputs_come_slowly():
    def slow() -> Iterator[int]:
        for x in range(12):
            seen.append(len(came))
            time.sleep(0.06)
            yield x

    seen: list[int] = []
    came: list[Any] = []
    with stand_in_ray(lambda number: Doubler()):
        job = dcp.compute_for(slow(), _DOUBLE)
        job.on("result", came.append)
        results = job.cluster_exec(sandboxes_per_node=100)
        assert list(results) == [2 * x for x in range(12)]
    assert seen[-1] > 0


def test_a_node_that_talks_without_end_holds_up_no_other():
    class Talker(Doubler):
        def poll(self, timeout: float, linger: float) -> Outputs:
            with self.arrival:
                items = [(messages.CONSOLE, 0, "log", "again"), *self.items]
                self.items.clear()
                self.replies += 1
                return Outputs(self.replies, items, 0.001)

    with stand_in_ray(lambda number: Talker(), nodes=3):
        job = dcp.compute_for(range(2000), _DOUBLE)
        job.on("console", lambda event: time.sleep(0.001))
        assert doubled(job) == [2 * x for x in range(2000)]


def unsendable() -> Iterator[object]:
    while True:
        yield object()


def test_the_first_error_ends_a_job_though_more_would_come_at_once():
    with stand_in_ray(lambda number: Doubler()):
        results = dcp.compute_for(unsendable(), _DOUBLE).cluster_exec(on_error="stop")
        with pytest.raises(dcp.SliceError, match="cannot be sent"):
            list(results)
        assert list(results.errors) == [0]


def test_a_job_whose_inputs_are_wrong_without_end_can_be_cancelled():
    with stand_in_ray(lambda number: Doubler()):
        job = dcp.compute_for(unsendable(), _DOUBLE)
        results = job.cluster_exec()
        job.on("error", lambda error: error.index == 100 and results.cancel())
        with pytest.raises(dcp.JobCancelledError):
            list(results)


def test_an_evaluator_that_falls_silent_is_lost(monkeypatch):
    class Silent(Doubler):
        def feed(self, batch: Batch) -> None:
            assert never.wait(60)

        def poll(self, timeout: float, linger: float) -> Outputs:
            assert never.wait(60)
            return Outputs(1, [], 0.0)

    monkeypatch.setattr(evaluators, "_SILENCE_SECONDS", 0.5)
    never = threading.Event()
    with stand_in_ray(lambda number: Silent() if number == 0 else Doubler()):
        job = dcp.compute_for(range(100), _DOUBLE)
        events = []
        job.on("node", lambda event: events.append((event.state, event.reason)))
        assert doubled(job) == [2 * x for x in range(100)]
        assert ("lost", "it does not answer") in events
        never.set()


@pytest.mark.parametrize(("broken", "reason"), [("is_broken", "Ray Client is not"), ("is_connected", "ended, as by")])
def test_a_connection_that_is_lost_ends_the_job_in_plain_words(broken, reason):
    class Lazy(Doubler):
        def feed(self, batch: Batch) -> None:
            setattr(ray, broken, broken == "is_broken")

    with stand_in_ray(lambda number: Lazy()) as ray, pytest.raises(dcp.ClusterError, match=reason):
        doubled(dcp.compute_for(range(100), _DOUBLE))


def test_a_program_that_ends_the_connection_ends_the_job_with_it(two_nodes):
    """Ray itself would start a cluster on this machine for the next call."""
    done = two_nodes.run_driver("""
        import threading
        import ray
        import dcp_evaluator as dcp

        came = threading.Event()
        job = dcp.compute_for(range(10**6), "async x => { await new Promise(done => setTimeout(done, 10)); }")
        job.on("result", lambda event: came.set())
        results = job.cluster_exec()
        assert came.wait(60)
        ray.shutdown()
        try:
            results.wait()
        except dcp.ClusterError as error:
            print(error)
        print(ray.is_initialized())
    """)
    assert done.stdout == "the connection to the cluster was ended, as by ray.shutdown()\nFalse\n"
    assert done.returncode == 0
