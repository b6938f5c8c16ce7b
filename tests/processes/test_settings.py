"""Settings: where each comes from, and that each evaluator of a program has its own."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import dcp_evaluator as dcp
from dcp_evaluator.settings.settings import Settings

pytestmark = pytest.mark.any_engine


def test_what_is_not_given_comes_from_the_environment() -> None:
    environment = {
        "DCP_EVALUATOR_ENGINE": "v8", "DCP_EVALUATOR_JIT": "off", "DCP_EVALUATOR_ISOLATION": "none",
        "DCP_EVALUATOR_CLOCK_STEP": "20", "DCP_EVALUATOR_CACHE": "/cache", "DCP_EVALUATOR_CACHE_MIB": "3",
        "DCP_EVALUATOR_COMPILE_MIB": "5", "DCP_EVALUATOR_COMPILE_SECONDS": "7",
    }  # fmt: skip
    found = Settings(environment=environment)
    assert (found.engine, found.jit, found.isolation, found.clock_step) == ("v8", False, "none", 20)
    assert (found.cache_folder("modules"), found.cache_limit) == ("/cache/modules", 3 << 20)
    assert found.compile_arguments() == ["--memory", str(5 << 20), "--seconds", "7"]
    assert Settings(environment={}).compile_arguments() == []
    given = Settings(engine="quickjs", jit=True, isolation="strict", clock_step=7, cache="off", environment=environment)
    assert (given.engine, given.jit, given.isolation, given.clock_step) == ("quickjs", True, "strict", 7)
    assert given.cache_folder("modules") is None


@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [
        ("DCP_EVALUATOR_ENGINE", "spidermonkey", "is 'spidermonkey'; it is one of auto, quickjs, v8"),
        ("DCP_EVALUATOR_JIT", "no", "is on or off, not 'no'"),
        ("DCP_EVALUATOR_ISOLATION", "some", "is strict, standard or none, not 'some'"),
        ("DCP_EVALUATOR_CLOCK_STEP", "4", "is a number of microseconds from 5 to 1000, not '4'"),
        ("DCP_EVALUATOR_CLOCK_STEP", "x" * 9, "is a number of microseconds"),
        ("DCP_EVALUATOR_CACHE_MIB", "much", "is a number of MiB, not 'much'"),
        ("DCP_EVALUATOR_COMPILE_MIB", "0", "is a number of MiB, 1 at least, not '0'"),
        ("DCP_EVALUATOR_COMPILE_SECONDS", "1.5", "is a number of seconds, 1 at least, not '1.5'"),
    ],
)
def test_a_value_that_is_not_valid_names_its_variable(variable: str, value: str, message: str) -> None:
    with pytest.raises(ValueError, match="^" + variable + " " + message) as caught:
        Settings(environment={variable: value})
    assert isinstance(caught.value, dcp.DcpError)


def test_arguments_are_checked_as_variables_are() -> None:
    for arguments in ({"isolation": "some"}, {"clock_step": 1001}, {"cache_limit": -1}, {"engine": "x"}):
        with pytest.raises(ValueError, match=r"^the "):
            dcp.Evaluator(**arguments)  # type: ignore[arg-type]


def test_two_evaluators_with_settings_of_their_own(tmp_path: Path) -> None:
    """Engine, isolation, clocks and cache: jobs of both run at the same time, and the environment is left alone."""
    before = dict(os.environ)
    work = "(x) => { const steps = new Set(); for (let i = 0; i < 1e4; i++) steps.add(performance.now());"
    work += " return [typeof Intl, Math.max(...[...steps].map((ms) => Math.round(ms * 1000) % 500)), x]; }"
    folders = {engine: tmp_path / engine for engine in ("quickjs", "v8")}
    with (
        dcp.Evaluator(engine="quickjs", isolation="none", clock_step=500, cache=folders["quickjs"]) as one,
        dcp.Evaluator(engine="v8", isolation="strict", clock_step=5, cache=folders["v8"], jit=False) as other,
    ):
        jobs = [dcp.compute_for(range(3), work) for _ in range(2)]
        results = [job.local_exec(1, evaluator=evaluator) for job, evaluator in zip(jobs, (one, other), strict=True)]
        coarse, fine = (list(found.wait()) for found in results)
    assert [(intl, x) for intl, _, x in coarse] == [("undefined", 0), ("undefined", 1), ("undefined", 2)]
    assert {step for _, step, _ in coarse} == {0}
    assert [(intl, x) for intl, _, x in fine] == [("object", 0), ("object", 1), ("object", 2)]
    assert all(step > 0 for _, step, _ in fine)
    assert all(any(folder.rglob("*")) for folder in folders.values())
    assert dict(os.environ) == before
