"""The driver's side of a job on a Ray cluster."""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from typing import Any

import numpy as np

from .._native import FrameError
from ..errors import JobError, SliceError
from ..frames.fields import NO_METRICS, SliceMetrics
from ..frames.values import Encoded
from ..sandboxes.slice_ledger import LedgerError, Slice
from ..supervision.evaluator import finish_before_others
from ..supervision.work import Work
from . import messages
from .connection import connect
from .dispatcher import Dispatcher, SizedSource
from .evaluators import Answer, Evaluators, Member, failure_of
from .membership import Needs
from .messages import Assignment, Batch, Outputs
from .reasons import Reason
from .sink import ClusterSink
from .versions import Versions, tell_versions

_POLL_SECONDS = 10.0
_LINGER = 0.25
"""Of a batch's time: so often nodes give what they have."""
_HAND_OUT_SECONDS = 0.05
_POLLS_AT_ONCE = 2
"""While Ray brings large outputs of one, the next is filled."""
_BATCH_BYTES = 16 << 20
_LARGE = 1 << 20
"""Bytes of a batch that goes by way of Ray's store, though Ray Client would send it with the call."""


def open_backend(address: str | None, work: Work, needs: Needs) -> RayBackend:
    """Connects the program to the cluster, if need be.

    Raises InstallationError, ClusterError, ValueError, and TypeError for what cannot be sent.
    """
    frame = Encoded.of(work.assignment)
    connect(address)
    finish_before_others()  # Ray's own end ends the connection
    return RayBackend(Assignment(work._replace(assignment={}), frame), needs)


class RayBackend:
    """Runs slices in sandboxes on the nodes of the cluster that this program is connected to."""

    def __init__(self, assignment: Assignment, needs: Needs) -> None:
        self._assignment = assignment
        self._options = assignment.work.options
        self._needs = needs
        self._versions = Versions.of(tell_versions())
        self._evaluators = Evaluators(needs)
        self._stopped = threading.Event()

    def stop(self) -> None:
        """Makes ``run`` return soon; may be called at any time, from any thread."""
        self._stopped.set()
        self._evaluators.wake()

    def wake(self) -> None:
        """The source has slices again; may be called at any time, from any thread, in a finalizer."""
        self._evaluators.wake()

    def run(self, source: SizedSource, sink: ClusterSink) -> None:
        """Returns when every slice has its result or error, or after ``stop``. Raises what makes the job fail."""
        self._sink = sink
        self._dispatcher = Dispatcher(source, self._options.retries)
        try:
            self._work = self._evaluators.put(self._assignment)
            self._dispatch()
        finally:
            self._dispatcher.cancel()
            self._evaluators.close()

    def _dispatch(self) -> None:
        while not self._stopped.is_set():
            for member in self._evaluators.look():
                self._lose(member, Reason("it does not answer"))
            has_more = self._hand_out()
            if self._dispatcher.done:
                break
            for answer in self._evaluators.answers(wait=not has_more):
                self._handle(answer)
            self._sink.flush(self._dispatcher.distributed)
        self._sink.flush(self._dispatcher.distributed)

    # --- Slices out ---

    def _hand_out(self) -> bool:
        """Whether there is no time to wait for answers: inputs are slow and there may be more, or it was stopped."""
        self._dispatcher.expected = self._evaluators.starting
        until = time.monotonic() + _HAND_OUT_SECONDS
        for member in self._evaluators.joined:
            while time.monotonic() < until and (wanted := self._dispatcher.wanted(member.number)):
                if not self._feed(member, wanted, until):
                    break
        return time.monotonic() >= until or self._stopped.is_set()

    def _feed(self, member: Member, wanted: int, until: float) -> bool:
        """Sends one batch; False where there is nothing to send."""
        batch, size = Batch([], [], {}), 0
        while len(batch.indices) < wanted and size < _BATCH_BYTES and not self._stopped.is_set():
            work = self._dispatcher.take(member.number)
            if work is None:
                break
            if self._add(batch, work):
                size += work.size
                self._dispatcher.sent(member.number, work)
            if time.monotonic() >= until:
                break
        self._dispatcher.handed_out(member.number)
        if batch.indices:
            self._evaluators.call(member, "feed", self._evaluators.put(batch) if size > _LARGE else batch)
        return bool(batch.indices)

    def _add(self, batch: Batch, work: Slice) -> bool:
        """Whether its datum can be sent."""
        try:
            payload, buffers = Encoded.of(work.datum)
        except (TypeError, ValueError) as error:
            self._dispatcher.cannot_be_sent(work)
            message = f"the input cannot be sent to a sandbox: {error}"
            self._report_error(SliceError(work.index, type(error).__name__, message, code="EINPUT"), NO_METRICS)
            return False
        work.size = len(payload)
        if buffers:
            batch.buffers[len(batch.indices)] = buffers
            work.size += sum(buffer.nbytes for buffer in buffers)
        batch.indices.append(work.index)
        batch.payloads.append(payload)
        return True

    # --- Answers in ---

    def _handle(self, answer: Answer) -> None:
        member, method, future = answer
        if reason := failure_of(answer):
            return self._lose(member, reason)
        match method:
            case "hello":
                if refusal := Versions.of(future.result()).refusal(self._versions):
                    return self._lose(member, Reason(refusal, lasting=True))
                self._evaluators.call(member, "begin", self._work, member.place, self._needs.software)
            case "begin":
                member.has_joined = True
                self._dispatcher.join(member.number, member.place.sandboxes)
                self._sink.node("joined", member.name, "")
                for _ in range(_POLLS_AT_ONCE):
                    self._poll(member)
            case "poll":
                self._take_in_order(member, future.result())
        return None

    def _take_in_order(self, member: Member, outputs: Outputs) -> None:
        try:
            for each in member.in_order(outputs):
                if self._evaluators.has(member):  # each of several replies may tell its end
                    self._take(member, each)
        except LedgerError as error:
            self._lose(member, Reason(str(error), lasting=True))

    def _poll(self, member: Member) -> None:
        self._evaluators.call(member, "poll", _POLL_SECONDS, _LINGER * self._dispatcher.batch_seconds)

    def _take(self, member: Member, outputs: Outputs) -> None:
        if outputs.end is None:
            self._poll(member)
        member.is_useful = member.is_useful or any(output[0] in messages.ENDS for output in outputs.items)
        for output in outputs.items:
            if self._stopped.is_set():
                return
            if output[0] == messages.RESULT:
                self._store(member, *output[1:])
            else:
                self._report(member, output)
        self._dispatcher.measure(member.number, outputs.seconds)
        if isinstance(outputs.end, JobError):
            raise outputs.end
        if outputs.end is not None:
            self._lose(member, Reason(outputs.end, lasting=True), blameless=not member.is_useful)

    def _store(self, member: Member, index: int, value: Any, metrics: tuple[Any, ...]) -> None:
        self._dispatcher.answered(member.number, index)
        self._sink.result(index, _own(value), SliceMetrics._make(metrics))

    def _report(self, member: Member, output: messages.Output) -> None:
        sink = self._sink
        match output:
            case messages.ERROR, error, metrics:
                self._dispatcher.answered(member.number, error.index, failed=True)
                self._report_error(error, SliceMetrics(*metrics))
            case messages.CONSOLE, index, level, text:
                sink.console(index, level, text)
            case messages.PROGRESS, index, value:
                with suppress(FrameError):  # only hostile code sends what the job cannot read
                    sink.progress(index, _own(value))
            case messages.EMIT, index, name, value:
                with suppress(FrameError):
                    sink.emit(index, name, _own(value))
            case messages.SANDBOX_DIED, reason:
                sink.sandbox_died(reason)
            case messages.ASSIGNED, engine:
                sink.assigned(engine)

    def _report_error(self, error: SliceError, metrics: SliceMetrics) -> None:
        if self._options.stop_on_error:
            self._stopped.set()
        self._sink.error(error, metrics)

    def _lose(self, member: Member, reason: Reason, *, blameless: bool = False) -> None:
        failed = self._dispatcher.lost(member.number, blameless=blameless) if member.has_joined else None
        left_out = self._evaluators.remove(member, reason)
        self._sink.node("left out" if left_out else "lost", member.name, reason.text)
        if failed is not None:
            times = failed.deaths
            message = f"its node was lost, {times} of {times} times; the last, {member.name}: {reason.text}"
            self._report_error(SliceError(failed.index, "NodeError", message, code="ENODE"), NO_METRICS)


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
