"""A node's part of a job: slices come in, outputs go out, both as they are asked for. Nothing in here knows of Ray."""

from __future__ import annotations

import sys
import threading
import time
from collections import deque
from typing import Any

import numpy as np

from ..errors import DcpError, JobError, SliceError, WorkFunctionError
from ..frames import table
from ..frames.fields import SliceMetrics
from ..frames.values import Encoded, SharedArrays, encode
from ..sandboxes.slice_ledger import Slice
from ..supervision.evaluator import Evaluator
from ..supervision.local import LocalRun
from . import messages
from .messages import Assignment, Batch, Output, Outputs

_MOST_BYTES = 16 << 20
"""Of a reply, and of what waits for one before sandboxes are held up; one output may be larger."""
_MOST_ITEMS = 16 * 1024
_ITEM = 64  # bytes that any output counts
_CONTAINERS = frozenset((list, dict))
_WITH_PARTS = _CONTAINERS | {np.ndarray}


class NodeRun:
    """Runs what ``feed`` brings in a thread of its own, until ``close``. May be used from any thread.

    Raises InstallationError and UnknownModuleError for Python that is not here.
    """

    def __init__(self, evaluator: Evaluator, assignment: Assignment) -> None:
        self._source = _Source()
        self._sink = _Sink(self._source)
        self._shared = SharedArrays()
        try:
            frame = encode([table.ASSIGN, assignment.frame], self._shared)
            self._run = LocalRun(evaluator, assignment.work, (frame, self._shared.fds))
        except BaseException:
            self._shared.close()
            raise
        self._thread = threading.Thread(target=self._supervise, name="dcp-supervisor", daemon=True)
        self._thread.start()

    def feed(self, batch: Batch) -> None:
        """More slices; none after the end. Raises ValueError for a batch that is none, and takes nothing of it."""
        self._source.add(batch)
        self._run.wake()

    def poll(self, timeout: float, linger: float) -> Outputs:
        """What has come, at least one output or the end; nothing after ``timeout`` seconds. Of several calls at once,
        each output goes to one, and the end to all.

        ``linger``: seconds between two replies, unless little is left to do: each costs as much as many results.
        """
        return self._sink.take(timeout, linger)

    def close(self) -> None:
        """Ends all sandboxes and waits for that."""
        self._source.close()
        self._sink.close()
        self._run.stop()
        self._thread.join()

    def _supervise(self) -> None:
        end: JobError | str = "it has ended"
        try:
            self._run.run(self._source, self._sink)
        except WorkFunctionError as error:
            end = error
        except (DcpError, OSError) as error:
            end = str(error)
        except BaseException as error:
            end = f"{type(error).__name__}: {error}"
            raise
        finally:
            self._shared.close()
            self._source.close()
            self._sink.end(end)


class _Source:
    """Slices that were fed and wait. ``exhausted``: no more are taken. ``unanswered``: of all that were fed.
    ``busy_since``: when there last were none, and some came.
    """

    def __init__(self) -> None:
        self.exhausted = False
        self.unanswered = 0
        self.busy_since = 0.0
        self._waiting: deque[Slice] = deque()
        self._lock = threading.Lock()

    def add(self, batch: Batch) -> None:
        """Raises ValueError."""
        slices = [
            Slice(index, Encoded(payload, batch.buffers.get(position, ())))
            for position, (index, payload) in enumerate(zip(batch.indices, batch.payloads, strict=True))
        ]
        with self._lock:
            if self.exhausted:
                return
            if not self.unanswered:
                self.busy_since = time.monotonic()
            self.unanswered += len(slices)
            self._waiting.extend(slices)

    def take(self) -> Slice | None:
        return self._waiting.popleft() if self._waiting else None

    def close(self) -> None:
        with self._lock:
            self.exhausted = True
            self._waiting.clear()

    def answered(self, count: int) -> None:
        with self._lock:
            self.unanswered -= count


class _Sink:
    """Collects on the supervisor's thread, which waits while too much is collected; gives to threads that poll, one at
    a time.
    """

    def __init__(self, source: _Source) -> None:
        self._source = source
        self._fresh: list[Output] = []
        self._fresh_bytes = 0
        self._fresh_answers = 0
        self._items: list[Output] = []
        self._bytes = 0
        self._answers = 0
        self._answered_at = 0.0
        self._told_until = 0.0
        self._end: JobError | str | None = None
        self._closed = False
        self._replies = 0
        self._replied_at = 0.0
        self._turn = threading.Lock()
        self._lock = threading.Lock()
        self._arrival = threading.Condition(self._lock)
        self._urgency = threading.Condition(self._lock)
        self._room = threading.Condition(self._lock)

    # --- The supervisor's thread ---

    def assigned(self, engine: str) -> None:
        self._add((messages.ASSIGNED, engine))

    def result(self, index: int, value: Any, metrics: SliceMetrics) -> None:
        self._fresh_answers += 1
        self._fresh.append((messages.RESULT, index, value, tuple(metrics)))
        self._fresh_bytes += _size(value)

    def error(self, error: SliceError, metrics: SliceMetrics) -> None:
        self._fresh_answers += 1
        self._add((messages.ERROR, error, tuple(metrics)), len(error.message) + len(error.stack))

    def progress(self, index: int, value: Any) -> None:
        self._add((messages.PROGRESS, index, value), _size(value))

    def console(self, index: int, level: str, text: str) -> None:
        self._add((messages.CONSOLE, index, level, text), len(text))

    def emit(self, index: int, name: str, value: Any) -> None:
        self._add((messages.EMIT, index, name, value), len(name) + _size(value))

    def sandbox_died(self, reason: str) -> None:
        self._add((messages.SANDBOX_DIED, reason), len(reason))

    def flush(self, distributed: int) -> None:
        if not self._fresh:
            return
        self._source.answered(self._fresh_answers)
        with self._lock:
            self._items += self._fresh
            self._bytes += self._fresh_bytes + _ITEM * len(self._fresh)
            self._answers += self._fresh_answers
            self._answered_at = time.monotonic()
            self._fresh, self._fresh_bytes, self._fresh_answers = [], 0, 0
            self._tell()
            self._room.wait_for(lambda: self._closed or not self._is_full)

    def end(self, end: JobError | str) -> None:
        self.flush(0)
        with self._lock:
            self._end = end
            self._tell()

    def _tell(self) -> None:
        """Wakes nobody in vain: that would cost as much as some slices."""
        self._arrival.notify()
        if self._is_urgent:
            self._urgency.notify()

    def _add(self, output: Output, size: int = 0) -> None:
        self._fresh.append(output)
        self._fresh_bytes += size

    @property
    def _is_full(self) -> bool:
        return self._bytes >= _MOST_BYTES or len(self._items) >= _MOST_ITEMS

    # --- The threads that poll ---

    def take(self, timeout: float, linger: float) -> Outputs:
        until = time.monotonic() + timeout
        has_turn = self._turn.acquire(timeout=timeout)
        try:
            with self._lock:
                if has_turn:
                    self._wait(until, linger)
                return self._reply()
        finally:
            if has_turn:
                self._turn.release()

    def _wait(self, until: float, linger: float) -> None:
        self._arrival.wait_for(lambda: self._items or self._end is not None, until - time.monotonic())
        left = self._replied_at + linger - time.monotonic()
        if self._items and left > 0:
            self._urgency.wait_for(lambda: self._is_urgent, left)

    def _reply(self) -> Outputs:
        items, self._items, self._bytes, self._answers = self._items, [], 0, 0
        seconds = self._answered_at - max(self._told_until, self._source.busy_since)
        self._replies += 1
        self._replied_at = time.monotonic()
        self._told_until = self._answered_at
        self._room.notify()
        return Outputs(self._replies, items, max(0.0, seconds), self._end)

    @property
    def _is_urgent(self) -> bool:
        """Half of what there was to do is done: more may come before the rest is."""
        return self._end is not None or self._is_full or self._answers >= self._source.unanswered

    def close(self) -> None:
        with self._lock:
            self._closed = True
            self._room.notify()


def _size(value: Any) -> int:
    """Of memory, about; foreign code decides where in a value its bytes are."""
    kind = type(value)
    if kind is np.ndarray:
        return int(value.nbytes)
    if kind not in _CONTAINERS:
        return sys.getsizeof(value)
    parts = [*value, *value.values()] if kind is dict else value
    measure = sys.getsizeof if _WITH_PARTS.isdisjoint(map(type, parts)) else _size
    return _ITEM + sum(map(measure, parts))
