"""The driver's side of a job on a Ray cluster."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable
from concurrent.futures import Future
from queue import Empty, SimpleQueue
from typing import Any, NamedTuple

import numpy as np
import ray
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from ..errors import JobError, SliceError
from ..frames.fields import NO_METRICS, SliceMetrics
from ..frames.values import Encoded
from ..supervision.work import Work
from . import messages
from .actor import EvaluatorActor
from .dispatcher import Dispatcher, SizedSource
from .membership import Membership, Needs, NodeInfo, Place
from .messages import Assignment, Batch, Outputs
from .sink import ClusterSink

_LOOK_SECONDS = 1.0
_POLL_SECONDS = 10.0
_CLOSE_SECONDS = 3.0
_BATCH_BYTES = 4 << 20
_CALLS_AT_ONCE = 4


class _Answer(NamedTuple):
    """What an actor's method gives, once it has ended."""

    member: int
    method: str
    future: Future[Any]


class _Member:
    """An evaluator on a node. ``has_joined``: it takes slices."""

    def __init__(self, number: int, place: Place, actor: Any) -> None:
        self.number = number
        self.place = place
        self.actor = actor
        self.has_joined = False
        self.is_useful = False


def open_backend(address: str | None, work: Work, needs: Needs) -> RayBackend:
    """Connects to the cluster where that has not been done. Raises ClusterError, ValueError, and TypeError for what
    cannot be sent.
    """
    frame = Encoded.of(work.assignment)
    if not ray.is_initialized():
        ray.init(address)
    return RayBackend(Assignment(work._replace(assignment={}), frame), needs)


class RayBackend:
    """Runs slices in sandboxes on the nodes of the cluster that this process is connected to."""

    def __init__(self, assignment: Assignment, needs: Needs) -> None:
        self._assignment = assignment
        self._needs = needs
        self._options = assignment.work.options
        self._membership = Membership(needs)
        self._members: dict[int, _Member] = {}
        self._answers: SimpleQueue[_Answer | None] = SimpleQueue()
        self._started = 0
        self._looked_at = float("-inf")
        self._stopped = threading.Event()

    def stop(self) -> None:
        """Makes ``run`` return soon; may be called at any time, from any thread."""
        self._stopped.set()
        self._answers.put(None)

    def run(self, source: SizedSource, sink: ClusterSink) -> None:
        """Returns when every slice has its result or error, or after ``stop``. Raises what makes the job fail."""
        self._sink = sink
        self._dispatcher = Dispatcher(source, self._options.retries)
        self._work = ray.put(self._assignment)
        try:
            while not self._stopped.is_set():
                self._look()
                self._feed_all()
                if self._dispatcher.done:
                    break
                self._wait()
                sink.flush(self._dispatcher.distributed)
            sink.flush(self._dispatcher.distributed)
        finally:
            self._dispatcher.cancel()
            self._close(list(self._members.values()))

    # --- Nodes ---

    def _look(self) -> None:
        """Starts evaluators where there are none. Raises JobError where no node is of use."""
        now = time.monotonic()
        if now < self._looked_at + _LOOK_SECONDS:
            return
        self._looked_at = now
        nodes = _nodes()
        for place in self._membership.places(nodes, now):
            self._start(place)
        if not self._members and not any(map(self._membership.suits, nodes)):
            raise JobError(self._hopeless())

    def _hopeless(self) -> str:
        reasons = self._membership.left_out
        return f"no node of the cluster can run the job: {reasons}"

    def _start(self, place: Place) -> None:
        self._started += 1
        pinned = NodeAffinitySchedulingStrategy(node_id=place.node.id, soft=False)
        options = {"num_cpus": place.cpus, "num_gpus": place.gpus, "max_concurrency": _CALLS_AT_ONCE, "max_restarts": 0}
        actor = ray.remote(EvaluatorActor).options(scheduling_strategy=pinned, **options).remote()
        member = self._members[self._started] = _Member(self._started, place, actor)
        self._call(member, "hello")

    def _call(self, member: _Member, method: str, *arguments: Any) -> None:
        future = getattr(member.actor, method).remote(*arguments).future()
        future.add_done_callback(lambda done: self._answers.put(_Answer(member.number, method, done)))

    def _lose(self, member: _Member, reason: str, *, blameless: bool = False) -> None:
        del self._members[member.number]
        failed = self._dispatcher.lost(member.number, blameless=blameless) if member.has_joined else []
        self._close([member], wait=False)
        name = member.place.node.name
        left_out = self._membership.ended(member.place, time.monotonic(), reason, useful=member.is_useful)
        self._sink.node("left out" if left_out else "lost", name, reason)
        for work in failed:
            message = f"its node was lost, {work.deaths + 1} of {work.deaths + 1} times; the last, {name}: {reason}"
            self._report_error(SliceError(work.index, "NodeError", message, code="ENODE"), NO_METRICS)

    def _close(self, members: Iterable[_Member], *, wait: bool = True) -> None:
        closed = [member.actor.close.remote() for member in members if member.has_joined and wait]
        if closed:
            ray.wait(closed, num_returns=len(closed), timeout=_CLOSE_SECONDS)
        for member in members:
            ray.kill(member.actor)

    # --- Slices out ---

    def _feed_all(self) -> None:
        for member in self._members.values():
            if member.has_joined:
                while (wanted := self._dispatcher.wanted(member.number)) and self._feed(member, wanted):
                    pass

    def _feed(self, member: _Member, wanted: int) -> bool:
        """Sends one batch; False where there is nothing to send."""
        now = time.monotonic()
        batch, size = Batch([], [], {}), 0
        while len(batch.indices) < wanted and size < _BATCH_BYTES:
            work = self._dispatcher.take(member.number)
            if work is None:
                break
            try:
                encoded = Encoded.of(work.datum)
            except (TypeError, ValueError) as error:
                self._dispatcher.cannot_be_sent(work)
                message = f"the input cannot be sent to a sandbox: {error}"
                self._report_error(SliceError(work.index, type(error).__name__, message, code="EINPUT"), NO_METRICS)
                continue
            if encoded.buffers:
                batch.buffers[len(batch.indices)] = encoded.buffers
            work.size = len(encoded.payload) + sum(buffer.nbytes for buffer in encoded.buffers)
            size += work.size
            batch.indices.append(work.index)
            batch.payloads.append(encoded.payload)
            self._dispatcher.sent(member.number, work, now)
        self._dispatcher.handed_out(member.number)
        if batch.indices:
            self._call(member, "feed", batch)
        return bool(batch.indices)

    # --- Answers in ---

    def _wait(self) -> None:
        """Handles all answers that are there, at least one, or none after a while."""
        try:
            answer = self._answers.get(timeout=_LOOK_SECONDS)
            while True:
                if answer is not None and answer.member in self._members:
                    self._handle(self._members[answer.member], answer)
                answer = self._answers.get_nowait()
        except Empty:
            pass

    def _handle(self, member: _Member, answer: _Answer) -> None:
        failure = answer.future.exception()
        if failure is not None:
            return self._lose(member, str(failure))
        match answer.method:
            case "hello":
                self._call(member, "begin", self._work, member.place.sandboxes)
            case "begin":
                member.has_joined = True
                self._dispatcher.join(member.number, member.place.sandboxes)
                self._sink.node("joined", member.place.node.name, "")
                self._call(member, "poll", _POLL_SECONDS)
            case "poll":
                self._take(member, answer.future.result())
        return None

    def _take(self, member: _Member, outputs: Outputs) -> None:
        if outputs.end is None:
            self._call(member, "poll", _POLL_SECONDS)
        for output in outputs.items:
            if self._stopped.is_set():
                return
            self._report(member, output)
        self._dispatcher.measure(member.number, time.monotonic())
        if isinstance(outputs.end, JobError):
            raise outputs.end
        if outputs.end is not None:
            self._lose(member, outputs.end, blameless=True)

    def _report(self, member: _Member, output: messages.Output) -> None:
        sink = self._sink
        match output:
            case messages.RESULT, index, value, metrics:
                self._dispatcher.answered(member.number, index)
                member.is_useful = True
                sink.result(index, _own(value), SliceMetrics(*metrics))
            case messages.ERROR, error, metrics:
                self._dispatcher.answered(member.number, error.index, failed=True)
                member.is_useful = True
                self._report_error(error, SliceMetrics(*metrics))
            case messages.PROGRESS, index, value:
                sink.progress(index, _own(value))
            case messages.CONSOLE, index, level, text:
                sink.console(index, level, text)
            case messages.EMIT, index, name, value:
                sink.emit(index, name, _own(value))
            case messages.SANDBOX_DIED, reason:
                sink.sandbox_died(reason)
            case (messages.ASSIGNED,):
                sink.assigned()

    def _report_error(self, error: SliceError, metrics: SliceMetrics) -> None:
        if self._options.stop_on_error:
            self._stopped.set()
        self._sink.error(error, metrics)


def _nodes() -> list[NodeInfo]:
    """Those that live."""
    return [
        NodeInfo(
            node["NodeID"],
            node["NodeManagerHostname"],
            node["Resources"].get("CPU", 0.0),
            node["Resources"].get("GPU", 0.0),
        )
        for node in ray.nodes()  # type: ignore[no-untyped-call]
        if node["Alive"]
    ]


def _own(value: Any) -> Any:
    """Arrays lie in Ray's store, where nothing may be written and which is not for long: copies of them."""
    kind = type(value)
    if kind is np.ndarray:
        return value.copy()
    if kind is list:
        return list(map(_own, value))
    if kind is dict:
        return {key: _own(each) for key, each in value.items()}
    return value
