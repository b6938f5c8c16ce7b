"""Chaos: whatever is killed and lost, each slice has one result, each payment is made once, the ledger sums to zero.

The seed is printed; ``DCP_CHAOS_SEED`` sets it again, though the order in which programs run is never the same.
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path

import pytest
from network_chaos import PRICE, Chaos, Plan
from schedulers import database_url
from sqlalchemy import Connection, func, select

from dcp_protocol.keys.private_key import PrivateKey
from dcp_protocol.uris.data_uri import decode_data_uri
from dcp_scheduler.ledger import ledger
from dcp_scheduler.store.amount import ATTO, from_number
from dcp_scheduler.store.database import Database
from dcp_scheduler.store.schema import jobs, slices, transfers
from postgresql import PostgreSQL

pytestmark = pytest.mark.any_engine

_DEPOSIT = 1000 * ATTO


@pytest.mark.timeout(240)
def test_a_few_slices_of_ten_jobs(run, tmp_path: Path) -> None:
    plan = Plan(jobs=10, slices=20, workers=4, own_workers=0, scheduler=70, connections=40)
    survive(run, tmp_path, plan, database_url(tmp_path / "scheduler"))


@pytest.mark.long_network
@pytest.mark.timeout(1200)
def test_ten_thousand_slices_of_ten_jobs(run, tmp_path: Path) -> None:
    plan = Plan(jobs=10, slices=1000, workers=5, own_workers=1, scheduler=600, connections=300, own_worker=900)
    chaos = survive(run, tmp_path, plan, database_url(tmp_path / "scheduler"))
    assert chaos.done["worker killed"] > 0


@pytest.mark.long_network
@pytest.mark.timeout(1200)
def test_ten_thousand_slices_of_ten_jobs_on_two_processes(run, tmp_path: Path, postgresql: PostgreSQL) -> None:
    plan = Plan(
        jobs=10, slices=1000, workers=5, own_workers=1, scheduler=300, connections=300, own_worker=900, processes=2
    )  # fmt: skip
    (tmp_path / "scheduler").mkdir()
    chaos = survive(run, tmp_path, plan, postgresql.database())
    assert chaos.done["worker killed"] > 0


def survive(run, home: Path, plan: Plan, url: str) -> Chaos:  # type: ignore[no-untyped-def]
    seed = int(os.environ.get("DCP_CHAOS_SEED") or secrets.randbits(32))
    print(f"DCP_CHAOS_SEED={seed}", flush=True)
    chaos, payers = Chaos(plan, seed, home, url), [PrivateKey.generate(), PrivateKey.generate()]

    async def main() -> None:
        database = _opened(chaos)
        for payer in payers:
            await database.write(lambda each, to=str(payer.address): ledger.deposit(each, to, _DEPOSIT))
        database.close()
        await chaos.run(payers)
        database = _opened(chaos)
        await database.read(lambda connection: _audit(connection, plan, payers))
        database.close()

    run(main())
    expected = {number: 2 * number for number in range(1, plan.slices + 1)}
    for heard in chaos.heard:
        assert heard.stop
        assert (heard.stop["runStatus"], heard.stop["sliceCount"]) == ("finished", plan.slices)
        assert {number: [decode_data_uri(uri).value for uri in uris] for number, uris in heard.results.items()} == {
            number: [value] for number, value in expected.items()
        }
    told = [paid for worker in chaos.workers for paid in worker.paid]
    assert len(told) == len(set(told)), "a worker was told twice that it is paid for a slice"
    assert chaos.done["scheduler killed"] > 0
    assert chaos.done["connections cut"] > 0
    return chaos


def _audit(connection: Connection, plan: Plan, payers: list[PrivateKey]) -> None:
    """What the tables say at the end."""
    assert [row.status for row in connection.execute(select(jobs.c.status))] == plan.jobs * ["finished"]
    results = select(slices.c.job, func.count(), func.count(slices.c.sequence.distinct())).group_by(slices.c.job)
    assert {tuple(row[1:]) for row in connection.execute(results)} == {(plan.slices, plan.slices)}
    payments = select(transfers.c.job, transfers.c.slice, transfers.c.amount).where(transfers.c.kind == "payment")
    paid = list(connection.execute(payments))
    price = from_number(PRICE)
    assert len(paid) == len({(row.job, row.slice) for row in paid}) == plan.jobs * plan.slices
    assert {row.amount for row in paid} == {price}
    assert ledger.imbalance(connection) == {}
    for address in connection.execute(select(jobs.c.address)).scalars():
        assert ledger.balance(connection, address) == 0
    left = sum(ledger.balance(connection, str(payer.address)) for payer in payers)
    assert left == len(payers) * _DEPOSIT - plan.jobs * plan.slices * price


def _opened(chaos: Chaos) -> Database:
    return Database(chaos.database, chaos.folder / "contents")
