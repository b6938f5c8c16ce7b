"""Several processes on one PostgreSQL: each slice has one result and is paid once, whatever they do at the same time;
and what the database did not answer is neither lost nor done twice.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import insert, select, text, update

from dcp_scheduler.errors import SchedulerError
from dcp_scheduler.jobs import acceptance, deployment, handing, results
from dcp_scheduler.jobs.records import by_number
from dcp_scheduler.ledger import ledger
from dcp_scheduler.model.measured import Measured, Rates
from dcp_scheduler.model.submission import Offer, Submission, Worktime
from dcp_scheduler.model.work_request import FetchState, SliceResult, WorkRequest
from dcp_scheduler.store.amount import ATTO
from dcp_scheduler.store.database import Database
from dcp_scheduler.store.notices import Notice, listen
from dcp_scheduler.store.postgresql import Postgresql
from dcp_scheduler.store.schema import accounts
from dcp_scheduler.store.transaction import Transaction
from postgresql import PostgreSQL

pytestmark = pytest.mark.any_engine

PAYER, PAYEE = f"0x{'a' * 40}", f"0x{'b' * 40}"
PRICE = ATTO // 3


@pytest.fixture
def url(postgresql: PostgreSQL) -> str:
    return postgresql.database()


@contextlib.contextmanager
def opened(url: str, folder: Path, count: int = 1) -> Iterator[list[Database]]:
    """As that many processes have it."""
    databases = [Database(url, folder / "contents") for _ in range(count)]
    try:
        yield databases
    finally:
        for database in databases:
            database.close()


def submitted(slices: int) -> Submission:
    return Submission(
        id="j" + "1" * 21, dialect=5, owner=PAYER, payer=PAYER, code="data:,x", arguments=[], slices=slices,
        worktime=Worktime("map-basic", "^1.0.0"), offer=Offer(absolute=PRICE), estimation=0,
        inputs={"start": 1, "end": slices, "step": 1},
    )  # fmt: skip


def added(address: str) -> Callable[[Transaction], None]:
    """An account, which there must not be yet."""
    return lambda transaction: transaction.connection.execute(insert(accounts).values(address=address, balance=0))  # type: ignore[return-value]


async def addresses(database: Database) -> list[str]:
    query = select(accounts.c.address).order_by(accounts.c.address)
    return await database.read(lambda connection: list(connection.execute(query).scalars()))


def test_two_processes_hand_out_and_pay_each_slice_once(url: str, tmp_path: Path, run) -> None:
    """Each result comes to both of them at the same time."""
    count = 300

    async def main() -> None:
        with opened(url, tmp_path, 2) as (one, other):
            await one.write(lambda transaction: ledger.deposit(transaction, PAYER, count * PRICE))
            job = await one.write(lambda transaction: deployment.submit(transaction, submitted(count)))

            async def work(here: Database, there: Database, name: str) -> list[int]:
                asks = WorkRequest(dialect=5, worker=name, owner=PAYEE, session="", state=FetchState.NORMAL)
                had: list[int] = []
                while numbers := await here.write(
                    lambda each: handing.hand_out(each, by_number(each.connection, job.number), 7, asks)
                ):
                    had += numbers
                    sent = [
                        SliceResult(name, PAYEE, job.id, number, PAYEE, f"data:,{number}", Measured())
                        for number in numbers
                    ]
                    both = await asyncio.gather(
                        *(each.write(partial(acceptance.accept, sent=sent, rates=Rates())) for each in (here, there))
                    )
                    for answers in zip(*both, strict=True):
                        assert sorted(each.paid for each in answers) == [0, PRICE]
                return had

            workers = [work(one, other, f"a{n}") for n in range(3)] + [work(other, one, f"b{n}") for n in range(3)]
            had = sorted(number for numbers in await asyncio.gather(*workers) for number in numbers)
            assert had == list(range(1, count + 1))
            after = await other.read(lambda connection: by_number(connection, job.number))
            assert (after.status, after.done, after.out) == ("finished", count, 0)
            stored = await other.read(lambda connection: results.after(connection, job.number, 0, count + 1))
            assert [each.sequence for each in stored] == list(range(1, count + 1))
            assert results.uris(stored, other.contents) == [f"data:,{each.number}" for each in stored]
            assert await one.read(lambda connection: ledger.balance(connection, PAYEE)) == count * PRICE
            assert await other.read(ledger.imbalance) == {}

    run(main())


def test_money_goes_round_between_processes(url: str, tmp_path: Path, run) -> None:
    names = [f"0x{letter * 40}" for letter in "cdef"]

    async def main() -> None:
        with opened(url, tmp_path, 3) as databases:
            for name in names:
                await databases[0].write(lambda each, name=name: ledger.deposit(each, name, 5))
            moves = [
                databases[n % 3].write(
                    lambda each, n=n: ledger.transfer(
                        each, names[n % 4], names[(n * 7 + n // 4) % 4], n % 4, "transfer"
                    )
                )
                for n in range(300)
            ]
            await asyncio.gather(*moves, return_exceptions=True)  # of some, the account has not enough
            assert await databases[1].read(ledger.imbalance) == {}
            left = [await databases[2].read(lambda each, name=name: ledger.balance(each, name)) for name in names]
            assert sum(left) == 20
            assert min(left) >= 0

    run(main())


def test_processes_that_start_at_the_same_time_make_the_tables_once(url: str, tmp_path: Path) -> None:
    with ThreadPoolExecutor(4) as threads:
        databases = list(threads.map(lambda _: Database(url, tmp_path / "contents"), range(4)))
    for database in databases:
        database.close()


def test_processes_tell_the_others_where_to_look(url: str, tmp_path: Path, run) -> None:
    """Where that is too much for a notice, it is everywhere."""

    def touched(count: int) -> Callable[[Transaction], None]:
        return lambda transaction: transaction.changed.update(range(10**6, 10**6 + count))

    async def main() -> None:
        with opened(url, tmp_path, 2) as (one, other):
            assert isinstance(other.backend, Postgresql)
            heard: asyncio.Queue[Notice] = asyncio.Queue()
            listening = asyncio.create_task(listen(other.backend, other.name, heard.put))
            try:
                async with asyncio.timeout(30):
                    assert (await heard.get()).changed is None  # it listens from now on
                    await one.write(touched(3))
                    changed = frozenset(range(10**6, 10**6 + 3))
                    assert await heard.get() == Notice(one.name, changed, frozenset(), events=False)
                    await other.write(touched(2))
                    await one.write(touched(5000))
                    assert await heard.get() == Notice(one.name)
                    await one.write(lambda transaction: None)
                    await one.write(touched(1))
                    assert await heard.get() == Notice(one.name, frozenset((10**6,)), frozenset(), events=False)
            finally:
                listening.cancel()
                await asyncio.wait([listening])

    run(main())


def test_a_transaction_that_another_one_blocks_is_tried_again(url: str, tmp_path: Path, run) -> None:
    """Somebody with ``psql`` waits for what we have, and we for what he has: PostgreSQL ends one of the two."""
    tries = 0

    async def main() -> None:
        with opened(url, tmp_path) as (database,), psycopg.connect(url) as other:
            await database.write(added("a"))
            await database.write(added("b"))
            other.execute("SET deadlock_timeout = '20s'")  # not his
            other.execute("UPDATE accounts SET balance = 1 WHERE address = 'b'")

            def both(transaction: Transaction) -> None:
                nonlocal tries
                tries += 1
                for address in "ab":
                    transaction.connection.execute(
                        update(accounts).where(accounts.c.address == address).values(balance=accounts.c.balance + 2)
                    )
                    loop.call_soon_threadsafe(has_first.set)

            loop, has_first = asyncio.get_running_loop(), asyncio.Event()
            ours = asyncio.create_task(database.write(both))
            await has_first.wait()
            await asyncio.to_thread(other.execute, "UPDATE accounts SET balance = 1 WHERE address = 'a'")
            other.commit()
            await ours
            assert tries == 2
            assert [await database.read(lambda each, name=name: ledger.balance(each, name)) for name in "ab"] == [3, 3]

    run(main())


def test_what_was_under_way_when_the_connection_was_lost_is_done_once(url: str, tmp_path: Path, run, caplog) -> None:
    lost, shown = False, ""

    def lose(transaction: Transaction) -> None:
        nonlocal lost
        if not lost:
            lost = True
            transaction.connection.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))
        added("lost")(transaction)

    async def main() -> None:
        nonlocal shown
        with opened(url, tmp_path) as (database,):
            shown = database.backend.shown
            await asyncio.gather(*map(database.write, (added("before"), lose, added("after"))))
            assert await addresses(database) == ["after", "before", "lost"]

    run(main())
    assert [record.message.partition(" (")[0] for record in caplog.records if record.levelname == "WARNING"] == [
        f"the database {shown} cannot be used now", f"the database {shown} can be used again",
    ]  # fmt: skip


def test_a_commit_whose_answer_is_lost_is_not_done_again(url: str, tmp_path: Path, run, postgresql: PostgreSQL) -> None:
    async def main() -> None:
        async with losing_commits(postgresql.socket) as (port, losses):
            at = url.partition("?")[0].replace("@/", f"@127.0.0.1:{port}/")
            database = await asyncio.to_thread(Database, at, tmp_path / "contents")
            try:
                losses.append(True)
                await asyncio.gather(*(database.write(added(f"a{n}")) for n in range(3)))
                assert losses == []
                losses.append(False)
                await database.write(added("b"))
                assert losses == []
                assert await addresses(database) == ["a0", "a1", "a2", "b"]
            finally:
                await asyncio.to_thread(database.close)

    run(main())


@asynccontextmanager
async def losing_commits(socket: Path) -> AsyncIterator[tuple[int, list[bool]]]:
    """A port for PostgreSQL. For each element of the list a connection breaks at its next commit: True after the server
    has got it, False before.
    """
    losses: list[bool] = []
    tasks = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tasks.add(asyncio.current_task())
        from_server, to_server = await asyncio.open_unix_connection(socket)
        back = asyncio.create_task(pass_on(from_server, writer))
        try:
            while data := await reader.read(1 << 16):
                lost = losses.pop() if b"COMMIT" in data and losses else None
                if lost is not None:
                    back.cancel()
                    await asyncio.gather(back, return_exceptions=True)
                if lost is not False:
                    to_server.write(data)
                if lost is not None:
                    if lost:
                        await from_server.read(1)  # it is committed
                    return
        finally:
            back.cancel()
            writer.close()
            to_server.close()

    async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(1 << 16):
            writer.write(data)

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1], losses
    finally:
        server.close()
        await asyncio.gather(*tasks, return_exceptions=True)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGQUIT])
def test_a_database_that_is_started_again(postgresql: PostgreSQL, tmp_path: Path, run, how: signal.Signals) -> None:
    async def main() -> None:
        with opened(postgresql.database(), tmp_path, 2) as databases:
            writing = [asyncio.create_task(databases[n % 2].write(added(f"a{n:03}"))) for n in range(200)]
            await asyncio.wait(writing, return_when=asyncio.FIRST_COMPLETED)
            await asyncio.to_thread(postgresql.stop, how)
            try:
                more = [asyncio.create_task(each.write(added(f"b{n}"))) for n, each in enumerate(databases)]
                reading = asyncio.create_task(addresses(databases[0]))
                await asyncio.sleep(0.1)
                assert not any(each.done() for each in (*more, reading))
            finally:
                postgresql.start()  # not in a thread, with which it would end
            await asyncio.gather(*writing, *more, reading)
            assert await addresses(databases[1]) == [*(f"a{n:03}" for n in range(200)), "b0", "b1"]

    run(main())


@pytest.mark.parametrize(
    ("url", "told"),
    [
        (
            "postgresql://me:secret@/none?host=/nowhere",
            r"database postgresql://me:\*\*\*@/none\?host=%2Fnowhere cannot be",
        ),
        ("postgresql://me:secret@127.0.0.1:none/x", "named by a URL: postgresql://"),
        ("mysql://me:secret@localhost/x", "there are databases of postgresql://"),
        ("secret", "named by a URL: postgresql://"),
    ],
)
def test_what_is_no_database_is_told_without_its_password(tmp_path: Path, url: str, told: str) -> None:
    with pytest.raises(SchedulerError, match=told) as error:
        Database(url, tmp_path / "contents")
    assert "secret" not in str(error.value)
    assert "\n" not in str(error.value)
