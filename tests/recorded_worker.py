"""A worker as it was at one moment, at a real control socket: what dashboards and pages show of it is known."""

from __future__ import annotations

import contextlib
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from dcp_worker.control.log import LogLine, RecentLog
from dcp_worker.control.methods import Finish, Method, Pause, Report, Resume, SelfTest, Stop
from dcp_worker.control.server import ControlServer
from dcp_worker.control.status import Job, Queue, Rates, Resource, Rule, Sandbox, Totals, WorkerStatus
from dcp_worker.errors import WorkerError
from dcp_worker.rules.verdict import Reason

FOREIGN = "<img src=x onerror=\"document.title='owned'\">[bold]\x1b[31mred\u202edlrow"
"""The name of a job that would be more than a name."""


def recorded(now: float) -> WorkerStatus:
    """Two GPUs of which one is too hot, four sandboxes, three jobs."""
    return WorkerStatus(
        time=now,
        version="0.1.0",
        pid=4711,
        worker="w-7f3a",
        started=now - 3 * 3600 - 12 * 60,
        state="working",
        scheduler="https://scheduler.example.com/",
        account="0x5aeda56215b167893e80b4fe645ba6d5bab767de",
        identity="0x7e5f4552091a69125d5dfcb7b8c2659029395bdf",
        evaluator="its own, engine v8",
        max_sandboxes=8,
        resources=(
            Resource(id="cpu", name="CPU", kind="cpu", limit=8.0, used=3.0, temperature=64.0),
            Resource(id="0000:01:00.0", name="NVIDIA RTX A4000", kind="gpu", limit=1.0, used=1.0, temperature=71.0),
            Resource(
                id="0000:41:00.0", name="AMD Radeon RX 7800 XT", kind="gpu", limit=1.0, temperature=86.0, allowed=False,
                reasons=(Reason(rule="temperature", text="it has 86 °C, and rests until it has 75 °C"),),
            ),
        ),
        sandboxes=(
            Sandbox(
                number=1, state="working", job="j-mandel", job_name="Mandelbrot, tiles 4096", slice=117, progress=0.61,
                began=now - 42, reported=now - 1,
            ),
            Sandbox(
                number=2, state="working", job="j-mandel", job_name="Mandelbrot, tiles 4096", slice=118, progress=0.08,
                began=now - 5, reported=now - 1,
            ),
            Sandbox(
                number=3, state="working", job="j-fold", job_name="Protein docking on the GPU", slice=9, progress=0.93,
                began=now - 754, reported=now - 4, uses_gpu=True,
            ),
            Sandbox(number=4, state="working", job="j-odd", job_name=FOREIGN, slice=1, began=now - 2),
            Sandbox(number=5, job="j-mandel", job_name="Mandelbrot, tiles 4096"),
        ),
        jobs=(
            Job(
                id="j-mandel", name="Mandelbrot, tiles 4096", queued=12, working=2, completed=104, failed=1,
                cpu_seconds=4100.0, earned=0.1893,
            ),
            Job(
                id="j-fold", name="Protein docking on the GPU", uses_gpu=True, queued=2, working=1, completed=8,
                cpu_seconds=212.0, gpu_seconds=5950.0, earned=0.412,
            ),
            Job(id="j-odd", name=FOREIGN, working=1),
        ),
        queue=Queue(working=4, queued=14, unsubmitted=1),
        totals=Totals(
            completed=112, failed=1, submitted=111, cpu_seconds=4312.0, gpu_seconds=5950.0, earned=0.6013
        ),
        rates=Rates(slices_per_hour=35.2, earned_per_hour=0.188),
        rules=(
            Rule(name="hours", text="works at all hours of the week"),
            Rule(name="temperature", text="AMD Radeon RX 7800 XT has 86 °C; the limit is 85 °C", in_force=True),
            Rule(name="battery", text="the machine runs on mains"),
        ),
    )  # fmt: skip


class RecordedWorker:
    """Obeys: what it is told is in ``orders``. A pause and a resume change its status."""

    def __init__(self, *, has_foreign: bool = True) -> None:
        """``has_foreign``: whether one of its jobs has the name FOREIGN."""
        self.now = time.time()
        self.status = recorded(self.now)
        if not has_foreign:
            self.status = _without_foreign(self.status)
        self.orders: list[Method] = []
        self.log = RecentLog()
        for seconds, level, text in _LOG:
            if has_foreign or FOREIGN not in text:
                self.log.add(LogLine(time=self.now - seconds, level=level, text=text))

    @contextlib.asynccontextmanager
    async def listening(self, path: Path) -> AsyncIterator[None]:
        async with ControlServer(self._answer, lambda: self.status, self.log).listening(path):
            yield

    async def _answer(self, method: Method) -> object:
        self.orders.append(method)
        match method:
            case Pause(resource="all"):
                self.status = replace(self.status, state="paused", reason="paused by its owner")
            case Resume():
                self.status = replace(self.status, state="working", reason="")
            case Finish():
                self.status = replace(self.status, state="finishing")
            case Stop():
                raise WorkerError("this worker does not stop just now")
            case Report(days=days):
                return _report(self.now, days or 30)
            case SelfTest(kind=kind):
                return _SELF_TESTS[kind]
        return None


def _without_foreign(status: WorkerStatus) -> WorkerStatus:
    return replace(
        status,
        sandboxes=tuple(one for one in status.sandboxes if one.job_name != FOREIGN),
        jobs=tuple(one for one in status.jobs if one.name != FOREIGN),
        queue=replace(status.queue, working=3),
    )


_LOG: list[tuple[float, Any, str]] = [
    (900, "info", "Worker 0.1.0 at work for https://scheduler.example.com/"),
    (899, "info", " * Ready."),
    (754, "info", "Sandbox 3: slice 9 of Protein docking on the GPU begins"),
    (300, "warning", " ! the GPU at 0000:41:00.0 has 86 °C, and rests until it has 75 °C"),
    (61, "error", " ! slice 88 of Mandelbrot, tiles 4096 failed: ESLICETOOSLOW"),
    (42, "info", "Sandbox 1: slice 117 of Mandelbrot, tiles 4096 begins"),
    (20, "debug", " . 12 slices were fetched"),
    (5, "info", "Payment: 0.002 DCC"),
    (2, "info", f"Sandbox 4: slice 1 of {FOREIGN} begins"),
]
_SELF_TESTS: dict[str, Any] = {
    "probe": {"verdict": "Ready: 8 CPUs, 2 GPUs, isolation complete", "versions": {"dcp-evaluator": "0.1.0"}},
    "benchmark": {
        "scores": [
            {"id": "javascript", "name": "JavaScript on v8, a core", "value": 4077.2, "unit": "runs/s"},
            {"id": "gpu", "name": "matrix product on the GPU", "value": 2210.0, "unit": "GFLOP/s"},
        ],
        "problems": [],
    },
}


def _report(now: float, days: int) -> dict[str, Any]:
    """Of two weeks, of which one day had no work."""
    found = []
    for ago in [one for one in range(min(days, 14), -1, -1) if one != 5]:
        slices = 90 + 37 * (ago * 7 % 5) - 4 * ago
        work = {
            "completed": slices, "failed": ago % 3, "rejected": 0, "submitted": slices,
            "cpu_seconds": slices * 240.0, "gpu_seconds": slices * 75.0, "earned": round(slices * 0.0043, 4),
        }  # fmt: skip
        found.append({"day": f"{datetime.fromtimestamp(now - ago * 86400, UTC):%Y-%m-%d}", "work": work})
    total = {name: sum(one["work"][name] for one in found) for name in found[0]["work"]}
    return {"since": found[0]["day"], "total": total, "days": found, "jobs": []}
