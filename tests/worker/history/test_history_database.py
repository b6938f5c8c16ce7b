"""The file of a worker's history: sums by day and job, bounds, other versions, and what is broken."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest

from dcp_worker.history.database import DAYS, JOBS, MIGRATIONS, NAME, HistoryDatabase, HistoryError
from dcp_worker.history.report import Day, Place
from dcp_worker.tasks.work import Work

pytestmark = pytest.mark.any_engine


@pytest.fixture
def database(tmp_path: Path) -> Iterator[HistoryDatabase]:
    database = HistoryDatabase(tmp_path)
    assert database.open() == ""
    yield database
    database.close()


def one(**counts: float) -> tuple[str, Work]:
    return "a job", Work(**counts)  # type: ignore[arg-type]


def test_work_is_summed_by_day_and_job(database: HistoryDatabase) -> None:
    database.add({Place("2026-01-01", "a"): one(completed=1, cpu_seconds=2.0), Place("2026-01-02", "a"): one(failed=1)})
    database.add({Place("2026-01-02", "a"): ("", Work(earned=0.5)), Place("2026-01-02", "b"): one(gpu_seconds=9.0)})
    report = database.report("2026-01-01")
    assert report.days == (
        Day(day="2026-01-01", work=Work(completed=1, cpu_seconds=2.0)),
        Day(day="2026-01-02", work=Work(failed=1, gpu_seconds=9.0, earned=0.5)),
    )
    assert [(job.id, job.name, job.first, job.last) for job in report.jobs] == [
        ("b", "a job", "2026-01-02", "2026-01-02"),
        ("a", "a job", "2026-01-01", "2026-01-02"),
    ]
    assert report.total == Work(completed=1, failed=1, cpu_seconds=2.0, gpu_seconds=9.0, earned=0.5)
    assert database.report("2026-01-02").total.completed == 0
    assert database.report("2026-01-03").days == ()


def test_jobs_beyond_a_days_limit_are_counted_together(database: HistoryDatabase) -> None:
    database.add({Place("2026-01-01", f"{number}"): one(completed=1) for number in range(JOBS + 2)})
    database.add({Place("2026-01-01", "7"): one(completed=1)})
    report = database.report("2026-01-01")
    assert report.total.completed == JOBS + 3
    found = {job.id: job for job in report.jobs}
    assert len(found) == JOBS + 1
    assert (found[""].name, found[""].work.completed, found["7"].work.completed) == ("", 2, 2)


def test_the_oldest_days_are_forgotten(database: HistoryDatabase) -> None:
    first = date(2024, 1, 1)
    days = [(first + timedelta(days=number)).isoformat() for number in range(DAYS + 2)]
    for day in days:
        database.add({Place(day, "a"): one(completed=1)})
    assert [found.day for found in database.report("").days] == days[2:]


@pytest.mark.parametrize("version", range(len(MIGRATIONS)))
def test_a_file_of_an_earlier_version_becomes_one_of_this(
    tmp_path: Path, database: HistoryDatabase, version: int
) -> None:
    folder = tmp_path / "earlier"
    folder.mkdir()
    with sqlite3.connect(folder / NAME) as connection:
        for migration in MIGRATIONS[:version]:
            connection.execute(migration)
        if version:
            connection.execute("PRAGMA application_id = 0x64637068")
        connection.execute(f"PRAGMA user_version = {version}")
    connection.close()
    migrated = HistoryDatabase(folder)
    migrated.open()
    migrated.close()
    assert layout(folder) == layout(tmp_path)


def layout(folder: Path) -> list[tuple[str, str]]:
    connection = sqlite3.connect(folder / NAME)
    found = connection.execute("SELECT name, sql FROM sqlite_master ORDER BY name").fetchall()
    version = connection.execute("PRAGMA user_version").fetchone()
    connection.close()
    return [*found, ("version", str(version))]


def test_a_file_of_a_later_version_and_another_programs_are_left_alone(
    tmp_path: Path, database: HistoryDatabase
) -> None:
    database.close()
    for change in ("PRAGMA user_version = 99", "PRAGMA application_id = 1"):
        connection = sqlite3.connect(tmp_path / NAME)
        connection.execute(change)
        connection.close()
        with pytest.raises(HistoryError, match="is left alone: move it away"):
            HistoryDatabase(tmp_path).open()


def test_a_broken_file_is_set_aside(tmp_path: Path, database: HistoryDatabase) -> None:
    database.close()
    (tmp_path / NAME).write_bytes(b"no database" * 1000)
    assert "it was renamed to" in database.open()
    database.add({Place("2026-01-01", "a"): one(completed=1)})
    assert database.report("").total.completed == 1
    assert [path.read_bytes()[:11] for path in tmp_path.glob("*.broken-*")] == [b"no database"]


def test_a_folder_that_others_may_write_is_not_used(tmp_path: Path) -> None:
    folder = tmp_path / "open"
    folder.mkdir()
    folder.chmod(0o777)
    with pytest.raises(HistoryError, match="others may write it: chmod go-w it"):
        HistoryDatabase(folder).open()
    assert not list(folder.iterdir())


def test_without_a_folder_it_is_in_memory() -> None:
    database = HistoryDatabase(None)
    database.open()
    database.add({Place("2026-01-01", "a"): one(completed=1)})
    assert database.report("").total.completed == 1
    database.close()
    with pytest.raises(HistoryError, match="it is closed"):
        database.report("")


def test_others_may_read_it_meanwhile_and_nobody_else_ever(tmp_path: Path, database: HistoryDatabase) -> None:
    database.add({Place("2026-01-01", "a"): one(completed=1)})
    reader = HistoryDatabase(tmp_path)
    reader.open()
    database.add({Place("2026-01-01", "a"): one(completed=1)})
    assert reader.report("").total.completed == 2
    reader.close()
    assert (tmp_path / NAME).stat().st_mode & 0o777 == 0o600
