"""Fixtures of the benchmarks, and the project's measures as a table after pytest-benchmark's own."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

import dcp_evaluator as dcp

Measure = Callable[[str, float, str, str], None]
_measures: list[tuple[str, float, str, str]] = []


@pytest.fixture(scope="session")
def evaluator() -> Iterator[dcp.Evaluator]:
    """An evaluator that has run a job, so its zygote is warm."""
    with dcp.Evaluator() as evaluator:
        dcp.compute_for([0], "(x) => x").local_exec(1, evaluator=evaluator).wait()
        yield evaluator


@pytest.fixture
def measure(benchmark) -> Measure:
    """``measure(name, value, unit, target)`` reports a measure; nothing is asserted about it."""

    def add(name: str, value: float, unit: str, target: str) -> None:
        benchmark.extra_info[name] = value
        _measures.append((name, value, unit, target))

    return add


def pytest_terminal_summary(terminalreporter) -> None:
    if not _measures:
        return
    terminalreporter.section("measures")
    for name, value, unit, target in _measures:
        terminalreporter.write_line(f"{name:62} {value:12,.2f} {unit:10} target: {target}")
