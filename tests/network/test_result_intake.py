"""Results: whether they come alone or many together, each slice has one, and is paid once."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import create_engine, select
from sqlalchemy.exc import IntegrityError

from dcp_scheduler.errors import RefusedError
from dcp_scheduler.jobs import acceptance, deployment, handing, results
from dcp_scheduler.jobs.intake import Intake
from dcp_scheduler.jobs.records import find
from dcp_scheduler.ledger import ledger
from dcp_scheduler.model.measured import Measured, Rates
from dcp_scheduler.model.submission import Offer, Submission, Worktime
from dcp_scheduler.model.work_request import FetchState, SliceResult, WorkRequest
from dcp_scheduler.store.amount import ATTO
from dcp_scheduler.store.database import Database
from dcp_scheduler.store.folder import FolderContents
from dcp_scheduler.store.schema import metadata, transfers
from dcp_scheduler.store.transaction import Transaction

pytestmark = pytest.mark.any_engine

SLICES = 6
OWNER = f"0x{'a' * 40}"
WORKERS = "vw"
FUNDS = 3 * ATTO
"""Of each job: for an absolute offer just enough."""
OFFERS = [Offer(absolute=ATTO // 2), Offer(factor=1.0), Offer()]
RATES = Rates(cpu=1.0)
JOBS = {f"{'j' * 20}{number}": f"0x{number}{'b' * 39}" for number in range(2)}
"""With who pays."""


def submission(identity: str, offer: Offer) -> Submission:
    return Submission(
        id=identity, dialect=5, owner=OWNER, payer=JOBS[identity], code="data:,x", arguments=[], offer=offer,
        worktime=Worktime("map-basic", "^1.0.0"), inputs={"start": 1, "end": SLICES}, slices=SLICES, estimation=0,
    )  # fmt: skip


def set_up(transaction: Transaction, offer: Offer) -> None:
    """Two jobs: of each, one worker has the odd slices, the other the even ones. The last of a job nobody has."""
    for missing, (identity, payer) in enumerate(JOBS.items()):
        ledger.deposit(transaction, payer, FUNDS)
        deployment.submit(transaction, submission(identity, offer))
        for number in range(1, SLICES + 1 - missing):
            worker = WORKERS[number % 2]
            request = WorkRequest(
                dialect=5, worker=worker, owner=address(worker), session="", state=FetchState.NORMAL, room=1
            )
            assert handing.hand_out(transaction, find(transaction.connection, identity), 1, request) == [number]


def address(worker: str) -> str:
    return f"0x{worker * 40}"


@contextmanager
def transaction_of(offer: Offer, folder: str) -> Iterator[Transaction]:
    with create_engine("sqlite://").connect() as connection:
        metadata.create_all(connection)
        transaction = Transaction(connection, FolderContents(Path(folder)), 0.0)
        set_up(transaction, offer)
        yield transaction


def result(job: str, number: int, worker: str, hours: float) -> SliceResult:
    return SliceResult(
        worker=worker, owner=address(worker), job=job, number=number, payee=address(worker), uri=f"data:,{number}",
        measured=Measured(cpu=3_600_000 * hours),
    )  # fmt: skip


SENT = st.builds(
    result, st.sampled_from([*JOBS, "none"]), st.integers(1, SLICES), st.sampled_from(WORKERS),
    st.sampled_from([0.0, 0.75, 1.5]),
)  # fmt: skip


def shown(answer: results.Answer) -> Any:
    return answer.code if isinstance(answer, RefusedError) else (answer[0].id, answer[1])


def state(transaction: Transaction) -> Any:
    """What has become of jobs, results and money."""
    connection = transaction.connection
    jobs = [find(connection, identity) for identity in JOBS]
    found = [results.of_slices(connection, job.number, None, 99) for job in jobs]
    stored = [[each.number for each in some] + results.uris(some, transaction.contents) for some in found]
    paid = select(transfers.c.job, transfers.c.slice, transfers.c.amount).where(transfers.c.kind == "payment")
    counts = [(job.status, job.done, job.out, round(job.cpu)) for job in jobs]
    return counts, stored, sorted(tuple(row) for row in connection.execute(paid))


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(OFFERS), st.lists(SENT, max_size=14))
def test_many_together_are_as_one_after_the_other(offer: Offer, sent: Sequence[SliceResult]) -> None:
    with TemporaryDirectory() as folder:
        with transaction_of(offer, folder) as transaction:
            alone = [shown(acceptance.accept(transaction, [each], RATES)[0]) for each in sent]
            expected = state(transaction)
        with transaction_of(offer, folder) as transaction:
            assert [shown(each) for each in acceptance.accept(transaction, sent, RATES)] == alone
            assert state(transaction) == expected
            assert ledger.imbalance(transaction.connection) == {}
            assert all(ledger.balance(transaction.connection, payer) >= 0 for payer in JOBS.values())


def test_one_that_cannot_be_taken_leaves_the_others(tmp_path: Path, run) -> None:
    """Of results that are written together, one meets a fault of the database."""

    async def main() -> None:
        database = Database(f"sqlite:///{tmp_path / 'a.db'}", tmp_path / "contents")
        try:
            await database.write(lambda transaction: set_up(transaction, OFFERS[0]))
            intake = Intake(database, RATES)
            told = [result(min(JOBS), number, WORKERS[number % 2], 1.0) for number in range(1, SLICES + 1)]
            told[1] = replace(told[1], measured=Measured(cpu=math.nan))
            answers = await asyncio.gather(*(intake.accept(each) for each in told), return_exceptions=True)
            assert [isinstance(each, IntegrityError) for each in answers] == [number == 1 for number in range(SLICES)]
            assert await database.read(ledger.imbalance) == {}
        finally:
            database.close()

    run(main())
