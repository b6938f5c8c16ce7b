"""Who has chosen no engine, and computes long in plain JavaScript, is told once of the faster one."""

from __future__ import annotations

from typing import Any

import pytest

import dcp_evaluator as dcp
from dcp_evaluator.jobs import engine_advice
from dcp_evaluator.jobs.events import JobMetrics
from dcp_evaluator.settings.settings import Settings

pytestmark = pytest.mark.any_engine


@pytest.fixture
def notices(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    told: list[str] = []
    monkeypatch.setattr(engine_advice, "notice", told.append)
    monkeypatch.setattr(engine_advice, "_told", [])
    return told


def metrics(**values: float) -> JobMetrics:
    made = JobMetrics()
    vars(made).update(values)
    return made


def test_a_long_job_is_told_once(notices):
    settings = Settings(environment={})
    for _ in range(3):
        engine_advice.advise_engine(settings, metrics(cpu=12_345.0))
    (text,) = notices
    assert text.startswith(
        "a job took 12 s of CPU time on the engine quickjs; plain JavaScript is several times faster"
    )
    assert text.endswith("local_exec(evaluator=dcp.Evaluator(engine='auto'))")


@pytest.mark.parametrize(
    ("settings", "values"),
    [
        ({"environment": {}}, {"cpu": 9000.0}),
        ({"engine": "quickjs", "environment": {}}, {"cpu": 1e6}),
        ({"environment": {"DCP_EVALUATOR_ENGINE": "quickjs"}}, {"cpu": 1e6}),
    ],
)
def test_shorter_jobs_and_chosen_engines_are_not(notices, settings: dict[str, Any], values: dict[str, float]):
    engine_advice.advise_engine(Settings(**settings), metrics(**values))
    assert notices == []


@pytest.mark.parametrize(
    ("source", "plain"),
    [
        ("(x) => x", True),
        ("async (x) => (await WebAssembly.instantiate(x)).instance.exports.f()", False),
        ("async (x) => (await navigator.gpu.requestAdapter()).info.device", False),
    ],
)
def test_what_the_engine_does_alone(source: str, plain: bool):
    assert dcp.compute_for([1], source).is_plain_javascript is plain
