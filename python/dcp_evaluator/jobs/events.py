"""What a job tells its listeners."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ..frames.fields import SliceMetrics, repr_with_units

EVENTS = frozenset(
    ("accepted", "readystatechange", "status", "console", "error", "progress", "complete", "result", "node")
)
STDERR_LEVELS = frozenset(("warn", "error", "trace"))
"""Of the console: where a terminal shows them they are no output."""


@dataclass(frozen=True, slots=True)
class ResultEvent:
    """``result``: the work function returned ``value`` for slice ``index``."""

    index: int
    value: Any
    metrics: SliceMetrics


@dataclass(frozen=True, slots=True)
class ProgressEvent:
    """``progress``: the work function called ``progress(value)``."""

    index: int
    value: Any


@dataclass(frozen=True, slots=True)
class ConsoleEvent:
    """``console``: ``level`` is debug, log, info, warn, error or trace. ``index`` is -1 outside of a slice, and for
    what a finished slice has left behind.
    """

    index: int
    level: str
    message: str


@dataclass(frozen=True, slots=True)
class StatusEvent:
    """``status``: how many slices there are (None until the inputs have ended), were handed out, and are done."""

    total: int | None
    distributed: int
    computed: int


@dataclass(frozen=True, slots=True)
class NodeEvent:
    """``node``: a node of the cluster has ``"joined"``, is ``"lost"`` (its slices run elsewhere), or is ``"left out"``
    of this job; ``reason`` says why.
    """

    name: str
    state: str
    reason: str


@dataclass(frozen=True, slots=True)
class WorkEvent:
    """An event of ``job.work``: the work function called ``work.emit(name, value)``. ``index`` as in ConsoleEvent."""

    index: int
    name: str
    value: Any


class Emitter:
    """Calls functions for named events, on the supervisor's thread."""

    def __init__(self, names: frozenset[str] | None = None) -> None:
        self._names = names
        self._callbacks: dict[str, list[Callable[[Any], object]]] = {}

    def on(self, event: str, callback: Callable[[Any], object]) -> None:
        """Calls ``callback(payload)`` at each ``event``; an exception in it ends the job. Raises ValueError."""
        if self._names is not None and event not in self._names:
            raise ValueError(f"there is no event {event!r}; there are {', '.join(sorted(self._names))}")
        if not callable(callback):
            raise TypeError("the second argument of on() must be callable")
        self._callbacks.setdefault(event, []).append(callback)

    def off(self, event: str, callback: Callable[[Any], object]) -> None:
        """Undoes ``on``."""
        if callback in self._callbacks.get(event, ()):
            self._callbacks[event].remove(callback)

    def has(self, event: str) -> bool:
        return bool(self._callbacks.get(event))

    def emit(self, event: str, payload: Any) -> None:
        for callback in tuple(self._callbacks.get(event, ())):
            callback(payload)


class JobMetrics:
    """Sums over slices that are done, in milliseconds: ``cpu``, ``wall``, ``gpu``.

    ``elapsed``: milliseconds of the whole job, once it has ended. ``slices`` counts results, ``errors`` failed slices,
    ``sandbox_deaths`` sandboxes that ended before their time. ``engines``: on which JavaScript engines they ran,
    ``"quickjs"`` and ``"v8"``: nodes of a cluster may have different ones.
    """

    def __init__(self) -> None:
        self.slices = 0
        self.errors = 0
        self.sandbox_deaths = 0
        self.cpu = 0.0
        self.wall = 0.0
        self.gpu = 0.0
        self.elapsed = 0.0
        self.engines: frozenset[str] = frozenset()

    def add(self, metrics: SliceMetrics) -> None:
        self.cpu += metrics.cpu
        self.wall += metrics.wall
        self.gpu += metrics.gpu

    def __repr__(self) -> str:
        return repr_with_units("JobMetrics", vars(self) | {"engines": tuple(sorted(self.engines))})
