"""What is heard of a slice, and how it ends."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from dcp_protocol import kvin

from ..dialects.sandbox_messages import UNCAUGHT
from ..tasks.slices import SliceError, SliceMetrics
from .events import (
    ConsoleWritten,
    Event,
    EventEmitted,
    Measured,
    Progressed,
    Sizes,
    SliceCompleted,
    SliceRejected,
    SliceThrew,
)
from .meter import Arrival, SliceMeter


class SliceListener:
    """Who hears of a slice while it runs; does nothing by itself. No method may take long."""

    def progressed(self, percent: float | None) -> None:
        """None where the work function does not know how far it is."""

    def console(self, level: str, arguments: Any, same: int) -> None:
        """``arguments``: a list of values; UNDEFINED for the last ones ``same`` times more."""

    def emitted(self, name: str, data: Any) -> None:
        """``work.emit(name, data)``."""


@dataclass(frozen=True, slots=True)
class Completed:
    value: Any
    metrics: SliceMetrics


@dataclass(frozen=True, slots=True)
class Threw:
    """What a work function throws is the result of its slice: ``value``, as npm's worker has it."""

    error: SliceError
    value: kvin.JSError
    metrics: SliceMetrics


@dataclass(frozen=True, slots=True)
class Rejected:
    """The work function called ``work.reject``; the sandbox has ended with it. ``retries``: elsewhere, at most."""

    reason: str
    retries: int
    metrics: SliceMetrics


Outcome = Completed | Threw | Rejected


class SliceRun:
    """A slice at work. ``taken``: UTF-16 units that were sent into it; what comes later is added."""

    __slots__ = ("_listener", "_meter", "taken")

    def __init__(self, listener: SliceListener | None, pid: int | None, taken: int) -> None:
        self.taken = taken
        self._listener = listener
        self._meter = SliceMeter(pid)

    def hear(self, event: Event) -> None:
        if (listener := self._listener) is None:
            return
        match event:
            case Progressed(percent):
                listener.progressed(percent)
            case ConsoleWritten(level, arguments, same):
                listener.console(level, arguments, same)
            case EventEmitted(name, data):
                listener.emitted(name, data)

    def outcome(self, event: SliceCompleted | SliceThrew | SliceRejected, arrival: Arrival | None) -> Outcome:
        """``arrival``: when and where its line came, if it was read later."""
        metrics = self._metrics(event.measured, event.sizes, arrival)
        match event:
            case SliceCompleted(value):
                return Completed(value, metrics)
            case SliceThrew(error):
                return Threw(_told(error), error, metrics)
            case SliceRejected(reason, retries):
                return Rejected(reason, retries, metrics)

    def _metrics(self, measured: Measured, sizes: Sizes, arrival: Arrival | None) -> SliceMetrics:
        return self._meter.read(measured, sizes, self.taken, arrival)


def _told(error: kvin.JSError) -> SliceError:
    texts = (error.name, error.properties.get("stack"), error.code)
    name, stack, code = (text if isinstance(text, str) else "" for text in texts)
    return SliceError(UNCAUGHT, error.message, name or "Error", stack, own_code=code)
