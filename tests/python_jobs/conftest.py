"""Jobs whose work functions are Python, in sandboxes that are forks of one template."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

import dcp_evaluator as dcp
from dcp_evaluator.distribution.places import FOLDER_VARIABLE
from python_distribution import python_folder


@pytest.fixture(autouse=True)
def distribution(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(FOLDER_VARIABLE, str(python_folder()))


@pytest.fixture(scope="session")
def pythons() -> Iterator[dcp.Evaluator]:
    """Its templates are loaded once."""
    with dcp.Evaluator() as evaluator:
        yield evaluator


Compute = Callable[..., list[Any]]


@pytest.fixture
def compute(pythons: dcp.Evaluator) -> Compute:
    """compute(inputs, work_function, *arguments, **keywords): all values, in one sandbox."""

    def run(inputs: Any, work_function: Any, *arguments: Any, **keywords: Any) -> list[Any]:
        job = dcp.compute_for(inputs, work_function, *arguments, **keywords)
        return job.local_exec(sandboxes=1, evaluator=pythons).values()

    return run
