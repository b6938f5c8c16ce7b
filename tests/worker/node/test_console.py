"""What a worker's console shows."""

from __future__ import annotations

import io
import os
import threading
from pathlib import Path

import pytest

from dcp_worker.node.console import Console
from dcp_worker.node.notices import (
    Fetched,
    Fetching,
    JobAnnounced,
    Notices,
    Paid,
    SandboxGone,
    SandboxReady,
    SliceEnded,
    SliceStarted,
)
from dcp_worker.node.worker_id import worker_id
from dcp_worker.tasks.capabilities import Worktime
from dcp_worker.tasks.job import Job
from dcp_worker.tasks.slices import SliceKey, SliceMetrics

pytestmark = pytest.mark.any_engine

KEY = SliceKey("0x" + "1" * 40, 3)


def shown(*notices: object, verbosity: int = 0) -> list[str]:
    output = io.StringIO()
    console = Console(output, output, verbosity)
    for notice in notices:
        console(notice)  # type: ignore[arg-type]
    console.close()
    return output.getvalue().splitlines()


def test_it_tells_what_npms_worker_tells() -> None:
    job = Job(identity=KEY.job, code="data:,", worktime=Worktime("map-basic", "1.0.0"), name="primes", link="http://x/")
    assert shown(
        JobAnnounced(job),
        SandboxReady(1),
        SliceStarted(1, KEY, "primes"),
        SliceEnded(1, KEY, "primes", "completed", SliceMetrics(total_time=12)),
        SandboxGone(1, None),
        Paid(KEY, 0.25),
        Fetching(),
    ) == [
        " . Job: primes 0x111111 http://x/",
        " . Sandbox   1:  Initialized",
        " . Sandbox   1:  Slice Started:   slice 3, 0x11111111111111111111: primes",
        " * Sandbox   1:  Slice Completed: slice 3, 0x11111111111111111111: primes: dt 12ms",
        " * Sandbox   1:  Terminated:",
        " . Payment: 0.250 ⊇ 0x111111",
    ]
    assert shown(Fetching(), Fetched(2), verbosity=1) == [" * Fetching slices...", " . Fetched 2 slices"]


def test_a_job_cannot_command_the_terminal() -> None:
    lines = shown(SliceStarted(1, KEY, "\x1b[2Jhello\nworld" + "x" * 1000))
    assert len(lines) == 1
    assert "\x1b" not in lines[0]
    assert len(lines[0]) < 300


def test_many_slices_are_told_in_sum() -> None:
    lines = shown(*[SliceStarted(1, KEY, "a")] * 5000)
    assert len(lines) < 1000
    told = sum("Slice Started" in line for line in lines)
    summed = sum(int(line.split()[3]) for line in lines if "more of slices" in line)
    assert told + summed == 5000


def test_a_reader_that_reads_nothing_holds_nobody_up() -> None:
    reading, writing = os.pipe()
    with os.fdopen(reading, "r") as reader, os.fdopen(writing, "w") as writer:
        console = Console(writer, writer)
        notices = Notices()
        notices.listen(console)
        for _ in range(3000):
            notices.say("info", "x" * 1000)
        lines: list[str] = []
        drain = threading.Thread(target=lambda: lines.extend(reader))
        drain.start()
        console.close()
        while console._thread.is_alive():
            console.close()
        notices.say("info", "over")
        writer.close()
        drain.join()
    assert 1000 <= len(lines) < 3000


def test_a_worker_keeps_its_id(tmp_path: Path) -> None:
    first = worker_id(tmp_path)
    assert len(first) == 22
    assert worker_id(tmp_path) == first
    (tmp_path / "worker-id").write_text("nonsense")
    assert worker_id(tmp_path) != first
    assert len(worker_id(tmp_path / "missing")) == 22
