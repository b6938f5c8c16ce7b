"""Sensors that do not answer, as disks of other machines and drivers do now and then."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from dcp_worker.configuration.rules import Rules, RuleSettings
from dcp_worker.monitors.machine import Monitors

pytestmark = pytest.mark.any_engine

CALM = "some avg10=0.00 avg60=0.00 avg300=0.00 total=0\n"


@pytest.fixture
def hanging(tmp_path: Path) -> Iterator[Path]:
    """A file that nobody can read to its end, until the test is over."""
    file = tmp_path / "proc/pressure/memory"
    file.parent.mkdir(parents=True)
    os.mkfifo(file)
    descriptor = os.open(file, os.O_RDWR)
    yield file
    os.write(descriptor, CALM.encode())
    os.close(descriptor)


def test_a_sensor_that_hangs_holds_nobody_up(hanging: Path, tmp_path: Path) -> None:
    async def look() -> None:
        monitors = Monitors(rules, lambda: None, root=tmp_path, patience=0.1)
        for _ in range(3):
            seen = await monitors.look()
            assert [reason.rule for reason in seen.unwatched] == ["sensors"]
        assert sum(task.name == "sensors" for task in threading.enumerate()) == 1
        monitors.close()

    rules = Rules(cpu=RuleSettings(memory_pressure=5.0))
    asyncio.run(look())  # ends, though the sensor still hangs


def test_what_it_says_later_counts(tmp_path: Path) -> None:
    async def look() -> None:
        monitors = Monitors(rules, lambda: None, root=tmp_path, patience=0.1)
        assert (await monitors.look()).memory_pressure is None
        os.write(descriptor, CALM.encode())
        os.close(descriptor)
        async with asyncio.timeout(30):
            while (seen := await monitors.look()).unwatched:
                await asyncio.sleep(0.01)
        assert seen.memory_pressure == 0.0
        monitors.close()

    file = tmp_path / "proc/pressure/memory"
    file.parent.mkdir(parents=True)
    os.mkfifo(file)
    descriptor = os.open(file, os.O_RDWR)
    rules = Rules(cpu=RuleSettings(memory_pressure=5.0))
    asyncio.run(look())
