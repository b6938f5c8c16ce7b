"""Fixtures of the benchmarks, and the project's measures as a table after pytest-benchmark's own.

Quick by default, some minutes; ``--full`` runs those that are marked ``full`` too, and more rounds of the others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import history
import pytest

import dcp_evaluator as dcp
import peers
from dcp_evaluator.settings import engines, settings

_ROOM = 0.8
"""Of a goal: machines differ, and one may be busy."""
_measures: list[history.Measure] = []
_left_out: dict[str, str] = {}


class MeasureFunction(Protocol):
    def __call__(
        self, name: str, value: float, unit: str, target: str = "", *, spread: tuple[float, float] | None = None,
        peer: str | None = None, goal: float | None = None,
    ) -> None: ...  # fmt: skip


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--full", action="store_true", help="all benchmarks, with more rounds")
    parser.addoption("--history", type=Path, help="folder in which the measures are kept as a JSON file")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "full: takes long; runs with --full only")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--full"):
        return
    long = [item for item in items if item.get_closest_marker("full")]
    config.hook.pytest_deselected(items=long)
    items[:] = [item for item in items if item not in long]


@pytest.fixture(scope="session")
def full(pytestconfig: pytest.Config) -> bool:
    """Whether there is time for more rounds."""
    return bool(pytestconfig.getoption("--full"))


@pytest.fixture(scope="session")
def evaluator() -> Iterator[dcp.Evaluator]:
    """An evaluator that has run a job, so its zygote is warm."""
    with _warm(None) as evaluator:
        yield evaluator


@pytest.fixture(scope="session", params=["quickjs", "v8"])
def engine(request: pytest.FixtureRequest, left_out: Callable[[str, str], None]) -> str:
    """Each engine in turn; one that is not installed is skipped, and the report says so."""
    if reason := engines.missing(request.param, settings.Settings()):
        left_out(f"the engine {request.param}", reason)
        pytest.skip(reason)
    return str(request.param)


def on(engine: str) -> str:
    """What the name of a measure says of the engine."""
    return "" if engine == "quickjs" else ", V8"


@pytest.fixture(scope="session")
def engine_evaluator(engine: str) -> Iterator[dcp.Evaluator]:
    """A warm evaluator of ``engine``."""
    with _warm(engine) as evaluator:
        yield evaluator


@contextmanager
def _warm(engine: str | None) -> Iterator[dcp.Evaluator]:
    with dcp.Evaluator(engine=engine) as evaluator:
        dcp.compute_for([0], "(x) => x").local_exec(1, evaluator=evaluator).wait()
        yield evaluator


@pytest.fixture(scope="session")
def left_out() -> Callable[[str, str], None]:
    """``left_out(what, reason)``: nothing is compared with that here, and the report says why."""

    def add(what: str, reason: str) -> None:
        _left_out[what] = reason

    return add


@pytest.fixture
def measure(benchmark) -> Iterator[MeasureFunction]:
    """``measure(name, value, unit, target)`` reports a measure.

    ``spread``: the quartiles of the value. ``peer``: the value is a ratio of speeds, ours to this peer's. ``goal``: of
    a ratio that was taken in one run; far below it the benchmark fails, when all its measures are reported.
    """
    missed: list[str] = []

    def add(
        name: str, value: float, unit: str, target: str = "", *, spread: tuple[float, float] | None = None,
        peer: str | None = None, goal: float | None = None,
    ) -> None:  # fmt: skip
        benchmark.extra_info[name] = value
        target = target if goal is None else f">= {goal:g}"
        _measures.append(history.Measure(name, float(value), unit, target, spread, peer))
        if goal is not None and value < _ROOM * goal:
            missed.append(f"{name}: {value:.3g}, and {goal:g} is the goal")

    yield add
    assert not missed, "; ".join(missed)


def pytest_terminal_summary(terminalreporter, config: pytest.Config) -> None:
    if not _measures:
        return
    terminalreporter.section("measures")
    for measure in _measures:
        low_high = "" if measure.spread is None else f" ({measure.spread[0]:.2f} to {measure.spread[1]:.2f})"
        target = f" target: {measure.target}" if measure.target else ""
        terminalreporter.write_line(f"{measure.name:62} {measure.value:12,.2f} {measure.unit:10}{low_high}{target}")
    left_out = {**peers.not_installed(), **_left_out}
    for what, reason in left_out.items():
        terminalreporter.write_line(f"not compared with {what}: {reason}")
    folder = config.getoption("--history")
    if folder is not None:
        file = history.write(folder, _measures, full=config.getoption("--full"), left_out=left_out)
        terminalreporter.write_line(f"kept in {file}")
