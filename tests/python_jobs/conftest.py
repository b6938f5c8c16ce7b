"""Jobs whose work functions are Python, in sandboxes that are forks of one template."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

import dcp_evaluator as dcp
from dcp_evaluator.settings.settings import CACHE_VARIABLE
from python_distribution import python_environment


@pytest.fixture(autouse=True)
def distribution(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in python_environment().items():
        monkeypatch.setenv(name, value)


@pytest.fixture(scope="session")
def pythons() -> Iterator[dcp.Evaluator]:
    """Its templates are loaded once."""
    with dcp.Evaluator(cache=python_environment()[CACHE_VARIABLE]) as evaluator:
        yield evaluator


Compute = Callable[..., list[Any]]


@pytest.fixture
def compute(pythons: dcp.Evaluator) -> Compute:
    """compute(inputs, work_function, *arguments, **keywords): all values, in one sandbox."""

    def run(inputs: Any, work_function: Any, *arguments: Any, **keywords: Any) -> list[Any]:
        job = dcp.compute_for(inputs, work_function, *arguments, **keywords)
        return job.local_exec(sandboxes=1, evaluator=pythons).values()

    return run
