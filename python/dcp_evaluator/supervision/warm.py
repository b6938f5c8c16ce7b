"""Factories of sandboxes that no job has at the moment, kept warm for the next one."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import NamedTuple

from ..sandboxes.sandbox import SandboxFactory
from ..worktimes.python import PythonWorktime

_MOST_IDLE = 4
"""Of each kind."""
_MOST_TEMPLATES = 3
"""Of all kinds: the memory of each is some hundred megabytes."""
_TEMPLATE_SECONDS = 900.0
"""After which a template that nobody has used goes, when another job begins or ends."""


class Kind(NamedTuple):
    """Which sandboxes a factory makes. ``memory_limit``: bytes of each, None for the usual one."""

    memory_limit: int | None = None
    worktime: PythonWorktime | None = None

    def serves(self, other: Kind) -> bool:
        """Whether a job that wants sandboxes of ``other`` may have these."""
        if self.memory_limit != other.memory_limit:
            return False
        if self.worktime is None or other.worktime is None:
            return self.worktime is other.worktime
        return self.worktime.serves(other.worktime)


class _Idle(NamedTuple):
    kind: Kind
    factory: SandboxFactory
    since: float


class WarmFactories:
    """May be used from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._idle: list[_Idle] = []  # the one that was given back last comes last
        self._closed = False

    def take(self, kind: Kind) -> tuple[Kind, SandboxFactory] | None:
        """One that serves that kind and whose zygote lives, which is the caller's from now on, and its own kind."""
        with self._lock:
            unfit = list(self._take_old())
            found = None
            fitting = [each for each in self._idle if each.kind.serves(kind)]
            for idle in sorted(fitting, key=lambda each: (each.kind == kind, each.since), reverse=True):
                self._idle.remove(idle)
                if idle.factory.zygote.alive:
                    found = idle.kind, idle.factory
                    break
                unfit.append(idle)
        _close(unfit)
        return found

    def put(self, kind: Kind, factory: SandboxFactory) -> None:
        """Takes it back, and closes it where there are enough."""
        given = _Idle(kind, factory, time.monotonic())
        with self._lock:
            if self._closed or not factory.zygote.alive:
                unfit = [given]
            else:
                self._idle.append(given)
                unfit = [*self._take_old(), *self._take_surplus(kind)]
        _close(unfit)

    def close(self) -> None:
        """Closes all, and what is put back later."""
        with self._lock:
            self._closed = True
            unfit = self._idle
            self._idle = []
        _close(unfit)

    def _take_old(self) -> Iterator[_Idle]:
        now = time.monotonic()
        for idle in [each for each in self._idle if each.kind.worktime is not None]:
            if now - idle.since > _TEMPLATE_SECONDS:
                self._idle.remove(idle)
                yield idle

    def _take_surplus(self, kind: Kind) -> Iterator[_Idle]:
        """Those that were used longest ago."""
        same = [each for each in self._idle if each.kind == kind]
        templates = [each for each in self._idle if each.kind.worktime is not None]
        for idle in {*same[:-_MOST_IDLE], *templates[:-_MOST_TEMPLATES]}:
            self._idle.remove(idle)
            yield idle


def _close(idle: list[_Idle]) -> None:
    for each in idle:
        each.factory.close()
