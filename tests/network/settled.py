"""What must be true of a network whose only job has ended, whatever happened meanwhile."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import select

from dcp_scheduler.ledger import ledger
from dcp_scheduler.store.database import Database
from dcp_scheduler.store.schema import jobs, slices, transfers


async def assert_settled(url: str, folder: Path, count: int, payer: str, left: int) -> None:
    """``count``: of the slices; ``left``: what the account ``payer`` has then."""
    database = Database(url, folder / "contents")
    try:
        assert await database.read(ledger.imbalance) == {}
        paid = select(transfers.c.slice).where(transfers.c.kind == "payment")
        numbers = list(range(1, count + 1))
        assert sorted(await database.read(lambda each: each.execute(paid).scalars().all())) == numbers
        done = select(slices.c.number).where(slices.c.status == "done").order_by(slices.c.number)
        assert await database.read(lambda each: each.execute(done).scalars().all()) == numbers
        assert await database.read(lambda each: each.execute(select(jobs.c.status)).scalars().all()) == ["finished"]
        assert await database.read(lambda each: ledger.balance(each, payer)) == left
    finally:
        database.close()
