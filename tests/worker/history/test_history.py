"""What a worker does is written down, a moment later at most, and whatever the disk says."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from dcp_worker.history.database import NAME, HistoryDatabase, HistoryError
from dcp_worker.history.history import History
from dcp_worker.logs.notices import Paid, SliceEnded, Submitted
from dcp_worker.tasks.slices import SliceKey, SliceMetrics

pytestmark = pytest.mark.any_engine

KEY = SliceKey("j", 1)


def ended(how: str) -> SliceEnded:
    return SliceEnded(1, KEY, "a job", how, SliceMetrics(cpu_time=1500, gpu_time=500))


def test_notices_are_counted_and_outlive_the_worker(tmp_path: Path) -> None:
    async def test() -> None:
        history = await History.open(tmp_path, pytest.fail)
        for notice in (ended("completed"), ended("failed"), ended("rejected"), Submitted(KEY), Paid(KEY, 0.25)):
            history(notice)
        before = await history.report()
        await history.close()
        again = await History.open(tmp_path, pytest.fail)
        assert await again.report() == before
        await again.close()
        (job,) = before.jobs
        work = before.total
        assert (job.id, job.name, job.work) == ("j", "a job", work)
        assert (work.completed, work.failed, work.rejected, work.submitted, work.earned) == (1, 1, 1, 1, 0.25)
        assert (work.cpu_seconds, work.gpu_seconds) == (4.5, 1.5)

    asyncio.run(test())


def test_names_of_jobs_may_be_anything(tmp_path: Path) -> None:
    async def test() -> None:
        history = await History.open(tmp_path, pytest.fail)
        history(SliceEnded(1, SliceKey("\ud800", 1), "\x1b[31m\udfff" + "x" * 5000, "completed", SliceMetrics()))
        (job,) = (await history.report()).jobs
        assert (job.id, job.name[:6], len(job.name)) == ("�", "�[31m�", 200)
        await history.close()

    asyncio.run(test())


def test_what_cannot_be_written_is_kept_and_written_later(tmp_path: Path) -> None:
    warnings: list[str] = []

    async def test() -> None:
        database = HistoryDatabase(tmp_path)
        database.open()
        history = History(database, warnings.append)
        history(ended("completed"))
        await history.report()
        database.close()  # as if the disk had gone
        history(ended("completed"))
        with pytest.raises(HistoryError):
            await history.report()
        history(ended("failed"))
        database.open()
        total = (await history.report()).total
        assert (total.completed, total.failed) == (2, 1)
        await history.close()

    asyncio.run(test())
    assert len(warnings) == 1
    assert warnings[0].startswith("what is done cannot be written down for now: ")


def test_where_nothing_can_be_kept_it_is_in_memory(tmp_path: Path) -> None:
    warnings: list[str] = []
    (tmp_path / NAME).mkdir()

    async def test() -> None:
        history = await History.open(tmp_path, warnings.append)
        history(ended("completed"))
        assert (await history.report()).total.completed == 1
        await history.close()

    asyncio.run(test())
    assert len(warnings) == 1
    assert warnings[0].startswith("what is done is kept in memory only: ")
