"""What a run has come to, and the status document that is made of it."""

from __future__ import annotations

import json
import time
from typing import Any

import jsonschema
import msgspec
import pytest

from dcp_worker.control.status import SCHEMA_FILE
from dcp_worker.logs.notices import (
    JobAnnounced,
    Paid,
    SandboxGone,
    SandboxReady,
    SliceEnded,
    SliceProgress,
    SliceStarted,
    Submitted,
)
from dcp_worker.node.ledger import Ledger
from dcp_worker.node.status import StatusSource
from dcp_worker.rules.verdict import Decision, Reason, Verdict
from dcp_worker.scheduling.room import Limits
from dcp_worker.supervision.machine import Machine
from dcp_worker.tasks.capabilities import Worktime
from dcp_worker.tasks.job import Job
from dcp_worker.tasks.slices import SliceKey, SliceMetrics

pytestmark = pytest.mark.any_engine

KEY = SliceKey("j", 1)
JOB = Job(identity="j", name="a job\x1b[31m", code="data:,x", worktime=Worktime("map-basic", "1.0.0"))
PAUSED = Decision("A GPU", (Reason("manual", "paused by its owner", 5.0),))


def ended(how: str) -> SliceEnded:
    return SliceEnded(1, KEY, "a job", how, SliceMetrics(cpu_time=1500, gpu_time=500))


def filled(now: float, monkeypatch: pytest.MonkeyPatch) -> tuple[Ledger, list[float]]:
    clock = [now]
    monkeypatch.setattr(time, "time", lambda: clock[0])
    ledger = Ledger()
    for notice in (
        JobAnnounced(JOB), SandboxReady(1), SandboxReady(2), SliceStarted(1, KEY, "a job"), ended("completed"),
        ended("failed"), ended("rejected"), Submitted(KEY), Paid(KEY, 0.25), SandboxGone(2, None),
        SliceStarted(1, KEY, "a job"), SliceProgress(1, 0.5),
    ):  # fmt: skip
        ledger(notice)
    return ledger, clock


def test_the_document_has_what_notices_have_told(monkeypatch: pytest.MonkeyPatch) -> None:
    ledger, _ = filled(6000.0, monkeypatch)
    source = StatusSource(ledger, stage="working", machine=Machine(Limits(2, 1, 3)))
    source.verdict = lambda: Verdict(gpus={"0000:65:00.0": PAUSED, "0000:66:00.0": Decision("Another")})
    source.heat, source.trouble = lambda: {"cpu": 60.0}, lambda: "the disk is full"
    status = source()
    told: dict[str, Any] = json.loads(msgspec.json.encode(status))
    jsonschema.validate(told, json.loads(SCHEMA_FILE.read_text()))
    counts = {"completed": 1, "failed": 1, "rejected": 1, "submitted": 1, "cpu_seconds": 4.5, "gpu_seconds": 1.5}
    assert told["totals"] == {**counts, "earned": 0.25}
    (job,) = told["jobs"]
    assert (job["name"], job["working"], job["completed"], job["earned"]) == ("a job�[31m", 1, 1, 0.25)
    (sandbox,) = told["sandboxes"]
    assert (sandbox["number"], sandbox["state"], sandbox["progress"], sandbox["slice"]) == (1, "working", 0.5, 1)
    assert [(one["id"], one["allowed"], one["limit"], one["temperature"]) for one in told["resources"]] == [
        ("cpu", True, 2.0, 60.0),
        ("0000:65:00.0", False, 0.0, None),
        ("0000:66:00.0", True, 1.0, None),
    ]
    assert told["rules"] == [{"name": "manual", "text": "paused by its owner", "in_force": True}]
    assert told["messages"] == ["results are kept in memory only: the disk is full"]
    assert (told["state"], told["reason"]) == ("working", "")


def test_nothing_but_the_time_changes_while_nothing_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    ledger, clock = filled(6000.0, monkeypatch)
    source = StatusSource(ledger)
    before = source()
    clock[0] += 50
    assert not source().differs(before)
    assert source().time == 6050.0


def test_states_have_their_reasons() -> None:
    machine = Machine(Limits(2, 0, 3))
    source = StatusSource(Ledger(), machine=machine)
    assert (source().state, source().reason) == ("starting", "it starts")
    source.stage = "working"
    assert (source().state, source().reason) == ("idle", "there is no sandbox yet, or none can be made")
    machine.start(0.0)
    machine.sandbox_started(1, 0.0)
    assert source().reason == "the scheduler has not answered its last request for work"
    source.verdict = lambda: Verdict(Decision("CPU", (Reason("battery", "on battery"),)), {"g": PAUSED})
    assert (source().state, source().reason) == ("paused", "on battery; paused by its owner")


def test_rates_are_those_of_the_last_hour(monkeypatch: pytest.MonkeyPatch) -> None:
    ledger, clock = filled(60.0 * 100, monkeypatch)
    assert ledger.per_hour() == (60.0, 15.0)
    clock[0] += 60 * 29
    assert ledger.per_hour() == (2.0, 0.5)
    clock[0] += 60 * 30
    assert ledger.per_hour() == (1.0, 0.25)
    clock[0] += 60
    assert ledger.per_hour() == (0.0, 0.0)
