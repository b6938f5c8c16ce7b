"""The evaluator whose Python sandboxes are attacked, and the check after each attack that it still serves."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from python_target import MEMORY_LIMIT, PythonTarget

import dcp_evaluator as dcp
from dcp_evaluator.settings.settings import CACHE_VARIABLE
from python_distribution import python_environment


@pytest.fixture(autouse=True)
def distribution(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in python_environment().items():
        monkeypatch.setenv(name, value)


@pytest.fixture(scope="session")
def pythons() -> Iterator[PythonTarget]:
    """All attacks are made on forks of one template, whose sandboxes may use little memory."""
    with dcp.Evaluator(MEMORY_LIMIT, cache=python_environment()[CACHE_VARIABLE]) as evaluator:
        yield PythonTarget(evaluator)


def honest(row, gain):
    print("honest", len(row))
    return {"spectrum": np.fft.rfft(row) * gain, "sum": sum(row.tolist())}


@pytest.fixture(autouse=True)
def tells_no_fault(capfd: pytest.CaptureFixture[str]) -> Iterator[None]:
    yield
    assert "Traceback" not in capfd.readouterr().err


@pytest.fixture(autouse=True, scope="module")
def others_are_served(pythons: PythonTarget) -> Iterator[None]:
    """After a module of attacks another job gets right answers; of each job attacked the next slice must be served."""
    yield
    row = np.arange(1000.0)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in python_environment().items():
            patch.setenv(name, value)
        job = dcp.compute_for([row], honest, 2.0)
        said: list[str] = []
        job.on("console", lambda event: said.append(event.message))
        (found,) = job.local_exec(1, evaluator=pythons.evaluator).values()
    np.testing.assert_allclose(found["spectrum"], np.fft.rfft(row) * 2.0)
    assert (found["sum"], said) == (499500.0, ["honest 1000"])
