"""How an attack is made: a work function that misbehaves, next to one that must not notice."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import wasmtime

import dcp_evaluator as dcp

MEMORY_LIMIT = 48 << 20
DEADLINE = 60.0
"""Seconds after which a test gives up; far above what anything takes."""

# What an honest slice does: it uses the runtime all over, and gives what Python can work out too.
HONEST = """
async (row) => {
  const { sum } = structuredClone({ sum: row.reduce((a, b) => a + b, 0) });
  const text = new TextDecoder().decode(new TextEncoder().encode(`honest ${sum}`));
  await new Promise((resolve) => setTimeout(resolve, 0));
  progress(1);
  console.log(text);
  return { sum, text, twice: row.map((x) => 2 * x) };
}
"""


def wasm(text: str) -> bytes:
    """The module of a text."""
    return bytes(wasmtime.wat2wasm(text))


class Outcome(NamedTuple):
    """What came of one slice: its value, or the code and the message of its error."""

    value: Any = None
    code: str | None = None
    message: str = ""


class Attacked(NamedTuple):
    """A job of which the first slice attacked."""

    outcome: Outcome
    after: Outcome
    """Of the slice behind it, which only gives 42: in the same sandbox, where that has survived."""
    deaths: int
    console: list[str]
    results: dcp.Results


class Target:
    """An evaluator that is attacked."""

    def __init__(self, evaluator: dcp.Evaluator) -> None:
        self.evaluator = evaluator

    def attack(self, body: str, *arguments: Any, **options: Any) -> Attacked:
        """Runs ``body``, of an async function, as the first of two slices of one sandbox."""
        source = f"async (index, ...args) => {{ if (index === 1) return 42;\n{body}\n}}"
        job = dcp.compute_for([0, 1], source, *arguments)
        console: list[str] = []
        job.on("console", lambda event: console.append(event.message))
        settings = {
            "progress_timeout": 20.0,
            "retries": 0,
            "gpu_errors": "console",
        } | options  # attacks look themselves
        results = job.local_exec(1, evaluator=self.evaluator, **settings).wait(DEADLINE)
        first, second = (_outcome(results, index) for index in (0, 1))
        return Attacked(first, second, job.metrics.sandbox_deaths, console, results)

    def check(self) -> None:
        """A new sandbox of this evaluator serves, and gives what is right."""
        row = np.arange(1000, dtype=np.float64)
        job = dcp.compute_for([row], HONEST)
        said: list[str] = []
        job.on("console", lambda event: said.append(event.message))
        found = job.local_exec(1, evaluator=self.evaluator).wait(DEADLINE)[0]
        assert (found["sum"], found["text"]) == (499500, "honest 499500")
        assert np.array_equal(found["twice"], 2 * row)
        assert said == ["honest 499500"]


def _outcome(results: dcp.Results, index: int) -> Outcome:
    error = results.errors.get(index)
    if error is not None:
        return Outcome(None, error.code, f"{error.name}: {error.message}")
    return Outcome(_plain(results[index]))


def _plain(value: Any) -> Any:
    """With the bytes of arrays, which can be compared."""
    if isinstance(value, np.ndarray):
        return value.tobytes()
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return {key: _plain(item) for key, item in value.items()} if isinstance(value, dict) else value


def check_attacks(found: Attacked, expected: Any) -> None:
    """``expected``: the value; or a pattern for the error's message. The sandbox goes on in both cases."""
    if isinstance(expected, re.Pattern):
        assert found.outcome.code == "EWORK", found.outcome
        assert expected.search(found.outcome.message), found.outcome
    else:
        assert found.outcome == Outcome(expected), found.outcome
    assert found.after == Outcome(42)
    assert found.deaths == 0, "the sandbox must survive"


Attacks = Mapping[str, tuple[str, Any]]
"""By name: the body of the attack, and what comes of it."""
