"""How an attack is made from Python: a work function that misbehaves, before one in the same job that does not."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import dcp_evaluator as dcp

MEMORY_LIMIT = 256 << 20
DEADLINE = 60.0
"""Seconds after which a test gives up; far above what anything takes."""


class Fails(NamedTuple):
    """How an attack ends: the code of its slice's error, and what its name and message have in them."""

    code: str
    pattern: str


def error(pattern: str) -> Fails:
    """An exception of the work function."""
    return Fails("EWORK", pattern)


class Attacked(NamedTuple):
    """A job of which the first slice attacked; the second one only gives 42."""

    results: dcp.Results
    console: list[tuple[int, str]]
    events: list[Any]

    def outcome(self, index: int = 0) -> Any:
        """The value of a slice, or its error's code, and its name and message."""
        failed = self.results.errors.get(index)
        return self.results[index] if failed is None else (failed.code, f"{failed.name}: {failed.message}")


class PythonTarget:
    """An evaluator that is attacked."""

    def __init__(self, evaluator: dcp.Evaluator) -> None:
        self.evaluator = evaluator

    def attack(self, body: Callable[..., Any], *arguments: Any, **options: Any) -> Attacked:
        """``body(*arguments)`` is the first of two slices of one sandbox."""

        def work(index: int, *arguments: Any) -> Any:
            return body(*arguments) if index == 0 else 42

        job = dcp.compute_for([0, 1], work, *arguments)
        console: list[tuple[int, str]] = []
        events: list[Any] = []
        job.on("console", lambda event: console.append((event.index, event.message)))
        job.on("progress", lambda event: events.append(event.value))
        job.work.on("x", lambda event: events.append(event.value))
        settings = {"progress_timeout": 30.0, "retries": 0} | options
        return Attacked(job.local_exec(1, evaluator=self.evaluator, **settings).wait(DEADLINE), console, events)

    def check(self, body: Callable[..., Any], expected: Any, *arguments: Any, **options: Any) -> Attacked:
        """The attack comes to what is ``expected``, a value or Fails, and the next slice is served."""
        found = self.attack(body, *arguments, **options)
        outcome = found.outcome()
        if isinstance(expected, Fails):
            assert outcome[0] == expected.code, outcome
            assert re.search(expected.pattern, outcome[1]), outcome
        else:
            assert outcome == expected
        assert found.outcome(1) == 42
        return found


Attacks = Mapping[str, tuple[Callable[..., Any], Any]]
"""By name: the attack, and what comes of it."""
