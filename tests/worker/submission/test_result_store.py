"""Results over restarts, kills, full disks, broken and foreign files."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from submitted_slices import AUTHORIZATION, one_slice, text

from dcp_worker.submission.bodies import Upload
from dcp_worker.submission.database import Database
from dcp_worker.submission.journal import StoreLimits
from dcp_worker.submission.store import ResultStore

pytestmark = pytest.mark.any_engine
FIRST_VERSION = """
DROP TABLE slices;
CREATE TABLE slices (
  job TEXT NOT NULL, number INTEGER NOT NULL, authorization INTEGER NOT NULL, estimation INTEGER NOT NULL,
  result INTEGER NOT NULL, name TEXT NOT NULL, size INTEGER NOT NULL,
  url TEXT NOT NULL, grp TEXT NOT NULL, head BLOB NOT NULL, body BLOB, checksum INTEGER NOT NULL,
  PRIMARY KEY (job, number)
) WITHOUT ROWID;
CREATE TABLE payments (
  day TEXT NOT NULL, job TEXT NOT NULL, name TEXT NOT NULL, amount REAL NOT NULL, slices INTEGER NOT NULL,
  PRIMARY KEY (day, job)
) WITHOUT ROWID;
PRAGMA user_version = 1;
"""
Scenario = Callable[[ResultStore], Awaitable[Any]]


def opened(folder: Path | None, scenario: Scenario, limits: StoreLimits | None = None) -> tuple[Any, list[str]]:
    """What the scenario gives, and the warnings."""
    warnings: list[str] = []

    async def play() -> Any:
        store = await ResultStore.open(folder, limits, warnings.append)
        try:
            return await scenario(store)
        finally:
            await store.close()

    return asyncio.run(play()), warnings


async def state(store: ResultStore) -> tuple[list[int], dict[int, Any]]:
    """The slices in flight, and the results, by number."""
    results = {}
    for number in store.results():
        held = store.result(number)
        assert held
        results[held.slice.key.number] = await store.body(number)
    return sorted(one.key.number for one in store.in_flight()), results


async def fill(store: ResultStore) -> None:
    await store.began([one_slice(1), one_slice(2), one_slice(3, is_estimation=True)])
    for number, size in ((2, 10), (3, 200_000)):
        await store.finished(one_slice(number), text(number, size))[2]


def test_all_is_there_after_a_restart(tmp_path: Path) -> None:
    opened(tmp_path / "s", fill)

    async def look(store: ResultStore) -> None:
        assert await state(store) == ([1], {2: text(2, 10), 3: text(3, 200_000)})
        (left,) = store.in_flight()
        assert (left.key, left.is_estimation) == (one_slice(1).key, False)
        assert bytes(left.authorization.text.text) == AUTHORIZATION.text.text
        assert store.trouble == ""
        assert store.has_room

    assert opened(tmp_path / "s", look)[1] == []
    assert (tmp_path / "s" / "results.db").stat().st_mode & 0o077 == 0


def test_what_the_scheduler_has_is_gone(tmp_path: Path) -> None:
    opened(tmp_path / "s", fill)

    async def acknowledge(store: ResultStore) -> None:
        for number in store.results():
            await store.acknowledged(number)
        await store.gone(store.in_flight())

    opened(tmp_path / "s", acknowledge)
    assert opened(tmp_path / "s", state)[0] == ([], {})
    assert list((tmp_path / "s" / "bodies").iterdir()) == []


def test_a_store_of_the_first_version_is_kept(tmp_path: Path) -> None:
    """It has the names of jobs, and payments, which the history has now."""
    opened(tmp_path / "s", fill)
    database = sqlite3.connect(tmp_path / "s" / "results.db")
    rows = [(*row[:5], "a job", *row[5:]) for row in database.execute("SELECT * FROM slices")]
    database.executescript(FIRST_VERSION)
    database.executemany(f"INSERT INTO slices VALUES ({', '.join('?' * 12)})", rows)
    database.commit()
    database.close()
    for _ in range(2):
        assert opened(tmp_path / "s", state)[0] == ([1], {2: text(2, 10), 3: text(3, 200_000)})


def test_uploads_are_kept_until_they_are_done(tmp_path: Path) -> None:
    upload = Upload("http://a/", "g", b'{"slice":1', b"content=" + b"x" * 100_000)

    async def begin(store: ResultStore) -> None:
        await store.finished(one_slice(1), upload)[2]

    async def done(store: ResultStore) -> None:
        assert await state(store) == ([], {1: upload})
        await store.uploaded(store.results()[0], text(1))

    async def look(store: ResultStore) -> None:
        assert await state(store) == ([], {1: text(1)})

    for scenario in (begin, done, look):
        opened(tmp_path / "s", scenario)


def test_what_is_on_disk_leaves_the_memory(tmp_path: Path) -> None:
    async def scenario(store: ResultStore) -> None:
        for number in range(40):
            await store.finished(one_slice(number), text(number, 2 << 20))[2]
        held = [store.result(number) for number in store.results()]
        assert sum(one.size for one in held if one and one.body) <= 33 << 20
        assert await store.body(store.results()[-1]) == text(39, 2 << 20)

    opened(tmp_path / "s", scenario)


def test_the_oldest_go_where_there_is_no_room(tmp_path: Path) -> None:
    async def scenario(store: ResultStore) -> None:
        for number in range(4):
            _, dropped, stored = store.finished(one_slice(number), text(number, 1000))
            await stored
            assert [held.slice.key.number for held in dropped] == ([] if number < 3 else [0])
        assert not store.has_room
        assert [one.key.number for one in store.in_flight()] == [0]

    opened(tmp_path / "s", scenario, StoreLimits(disk=3100))


@pytest.mark.parametrize("damage", [b"no database at all" * 100, b"SQLite format 3\0" + b"\xff" * 5000])
def test_a_broken_file_is_set_aside(tmp_path: Path, damage: bytes) -> None:
    opened(tmp_path / "s", fill)
    for path in (tmp_path / "s").glob("results.db-*"):
        path.unlink()
    (tmp_path / "s" / "results.db").write_bytes(damage)

    async def scenario(store: ResultStore) -> None:
        assert await state(store) == ([], {})
        await fill(store)

    (warning,) = opened(tmp_path / "s", scenario)[1]
    assert "broken" in warning
    (aside,) = (tmp_path / "s").glob("results.db.broken-*")
    assert aside.read_bytes() == damage
    assert opened(tmp_path / "s", state)[0] == ([1], {2: text(2, 10), 3: text(3, 200_000)})


def test_damage_within_is_found(tmp_path: Path) -> None:
    opened(tmp_path / "s", fill)
    with (tmp_path / "s" / "results.db").open("r+b") as file:
        file.seek(4096)
        file.write(b"\xa5" * 8192)
    _, warnings = opened(tmp_path / "s", state)
    assert len(warnings) == 1


@pytest.mark.parametrize("statement", ["PRAGMA user_version = 99", "PRAGMA application_id = 5"])
def test_a_foreign_file_is_left_alone(tmp_path: Path, statement: str) -> None:
    opened(tmp_path / "s", fill)
    with sqlite3.connect(tmp_path / "s" / "results.db") as connection:
        connection.execute(statement)
    connection.close()
    before = (tmp_path / "s" / "results.db").read_bytes()

    async def scenario(store: ResultStore) -> None:
        assert "left alone" in store.trouble
        await fill(store)
        assert await state(store) == ([1], {2: text(2, 10), 3: text(3, 200_000)})

    (warning,) = opened(tmp_path / "s", scenario)[1]
    assert "kept in memory" in warning
    assert (tmp_path / "s" / "results.db").read_bytes() == before


def test_bodies_that_are_not_whole_are_not_there(tmp_path: Path) -> None:
    opened(tmp_path / "s", fill)
    (body,) = (tmp_path / "s" / "bodies").iterdir()
    for damage in (partial(os.truncate, body, 1000), body.unlink):
        damage()
        assert opened(tmp_path / "s", state)[0] == ([1], {2: text(2, 10), 3: None})


def test_bodies_without_result_are_swept(tmp_path: Path) -> None:
    opened(tmp_path / "s", fill)
    (tmp_path / "s" / "bodies" / "999").write_text("of a worker that was killed before it wrote the row")
    opened(tmp_path / "s", state)
    assert len(list((tmp_path / "s" / "bodies").iterdir())) == 1


def in_memory(folder: Path | None, reason: str) -> None:
    async def scenario(store: ResultStore) -> None:
        assert reason in store.trouble
        await fill(store)
        assert await state(store) == ([1], {2: text(2, 10), 3: text(3, 200_000)})
        assert store.has_room
        _, dropped, _ = store.finished(one_slice(4), text(4, 300_000))
        assert [held.slice.key.number for held in dropped] == [2, 3]
        assert not store.has_room
        await store.acknowledged(store.results()[0])
        assert store.has_room

    opened(folder, scenario, StoreLimits(memory=310_000))


def test_without_a_folder_all_is_in_memory(tmp_path: Path) -> None:
    in_memory(None, "no folder")
    (tmp_path / "file").write_text("")
    in_memory(tmp_path / "file" / "s", "cannot keep results")
    (tmp_path / "open").mkdir()
    (tmp_path / "open").chmod(0o777)
    in_memory(tmp_path / "open", "chmod")


def test_a_second_worker_does_not_get_the_folder(tmp_path: Path) -> None:
    async def scenario(first: ResultStore) -> None:
        await fill(first)
        warnings: list[str] = []
        second = await ResultStore.open(tmp_path / "s", None, warnings.append)
        assert "another worker" in second.trouble
        await second.close()
        await first.finished(one_slice(1), text(1))[2]

    opened(tmp_path / "s", scenario)
    assert len(opened(tmp_path / "s", state)[0][1]) == 3


def test_a_disk_that_is_full_for_a_while(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    apply = Database.apply
    full = True

    def fails(database: Database, batch: Any) -> None:
        if full:
            raise sqlite3.OperationalError("database or disk is full")
        apply(database, batch)

    monkeypatch.setattr(Database, "apply", fails)

    async def scenario(store: ResultStore) -> None:
        nonlocal full
        await fill(store)
        assert "full" in store.trouble
        assert await state(store) == ([1], {2: text(2, 10), 3: text(3, 200_000)})
        await store.acknowledged(store.results()[0])
        full = False

    _, warnings = opened(tmp_path / "s", scenario)
    assert ["cannot be written" in warnings[0], "again" in warnings[1], len(warnings)] == [True, True, 2]
    assert opened(tmp_path / "s", state)[0] == ([1], {3: text(3, 200_000)})


def test_sqlite_says_that_the_disk_is_full(tmp_path: Path) -> None:
    async def scenario(store: ResultStore) -> None:
        assert store._database
        connection = store._database._connection
        assert connection
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
        connection.execute(f"PRAGMA max_page_count = {pages + 5}")
        for number in range(10):
            await store.finished(one_slice(number), text(number, 5000))[2]
        assert "full" in store.trouble
        assert (await state(store))[1].keys() == set(range(10))
        connection.execute("PRAGMA max_page_count = 100000")

    warnings = opened(tmp_path / "s", scenario)[1]
    assert len(warnings) == 2
    assert opened(tmp_path / "s", state)[0] == ([], {number: text(number, 5000) for number in range(10)})


def test_many_changes_share_a_transaction(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    batches = []
    apply = Database.apply

    def count(database: Database, batch: Any) -> None:
        batches.append(batch)
        apply(database, batch)

    monkeypatch.setattr(Database, "apply", count)

    async def scenario(store: ResultStore) -> None:
        waits = [store.finished(one_slice(number), text(number))[2] for number in range(1000)]
        await asyncio.gather(*waits)
        assert len(batches) <= 3

    opened(tmp_path / "s", scenario)


WRITER = """
import asyncio, json, sys
sys.path[:0] = json.loads(sys.argv[2])
from functools import partial
from pathlib import Path
from dcp_worker.submission.store import ResultStore
from submitted_slices import one_slice, text

async def main():
    store = await ResultStore.open(Path(sys.argv[1]), warn=lambda message: print("warn", message, flush=True))
    done = {held.slice.key.number for number in store.results() if (held := store.result(number))}
    for number in range(len(done), 10**9):
        await store.began([one_slice(number)])
        print("began", number, flush=True)
        await store.finished(one_slice(number), text(number, (number % 5) * 20_000))[2]
        print("finished", number, flush=True)

asyncio.run(main())
"""


def test_a_kill_at_any_moment_loses_nothing_that_was_told(tmp_path: Path) -> None:
    folder, paths = tmp_path / "s", json.dumps(sys.path)
    finished: set[int] = set()
    for round_number in range(5):
        writer = subprocess.Popen([sys.executable, "-c", WRITER, str(folder), paths], stdout=subprocess.PIPE)
        assert writer.stdout is not None
        lines = [writer.stdout.readline()]
        time.sleep(0.05 + 0.03 * round_number)
        writer.send_signal(signal.SIGKILL)
        lines += writer.communicate()[0].splitlines(keepends=True)
        told = [line.split() for line in lines if line.endswith(b"\n")]  # SIGKILL may have cut the last one
        assert not [line for line in told if line[0] not in (b"began", b"finished")]
        finished |= {int(line[1]) for line in told if line[0] == b"finished"}
        last_begun = max(int(line[1]) for line in told)

        async def look(store: ResultStore, told: set[int] = finished, last_begun: int = last_begun) -> None:
            in_flight, results = await state(store)
            assert told <= results.keys()
            assert all(body == text(number, (number % 5) * 20_000) for number, body in results.items())
            assert last_begun in {*in_flight, *results}
            await store.gone(store.in_flight())

        assert opened(folder, look)[1] == []
