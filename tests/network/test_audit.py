"""The audit finds whatever is wrong with money and results, and nothing where all is right."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from bookkeeping import keep_books, opened

from dcp_scheduler.administration.office import Office
from dcp_scheduler.administration.operations import perform
from dcp_scheduler.ledger import ledger
from dcp_scheduler.store.amount import ATTO

pytestmark = pytest.mark.any_engine


def audited(run: Any, folder: Path, *spoiled: str) -> dict[str, Any]:
    """``spoiled``: statements behind the scheduler's back."""

    async def main() -> dict[str, Any]:
        database = opened(folder)
        try:
            await database.write(keep_books)
            for statement in spoiled:
                await database.write(lambda each, text=statement: each.connection.exec_driver_sql(text) and None)
            found: dict[str, Any] = await perform(Office(database), "audit", {})
            return found
        finally:
            database.close()

    return run(main())


def test_all_is_right(run, tmp_path: Path) -> None:
    found = audited(run, tmp_path)
    assert (found["ok"], found["wrong"]) == (True, [])
    assert found["looked"]["jobs"] == 2
    assert found["looked"]["slices"] == 9


@pytest.mark.parametrize(
    ("statement", "finding"),
    [
        ("UPDATE accounts SET balance = '1' WHERE address LIKE '0x4%'", "than its transfers say"),
        ("UPDATE accounts SET balance = '-1' WHERE address LIKE '0x2%'", "owes"),
        ("UPDATE accounts SET balance = '0' WHERE address LIKE '0x0%'", "sum of all accounts"),
        ("DELETE FROM hand_outs WHERE number = 5", "set aside"),
        ("UPDATE jobs SET status = 'cancelled' WHERE out > 0", "still out"),
        ("DELETE FROM transfers WHERE kind = 'payment' AND slice = 2", "no payment is known"),
        ("UPDATE transfers SET slice = 9 WHERE kind = 'payment' AND slice = 2", "is not done"),
        ("UPDATE slices SET paid = '1' WHERE number = 1", "says another sum"),
        ("UPDATE slices SET sequence = 1 WHERE number = 2", "more than one result"),
        ("UPDATE slices SET content = NULL WHERE number = 1", "has no result"),
        ("UPDATE slices SET status = 'waiting' WHERE number = 3", "is not done, and has a result"),
        ("UPDATE jobs SET done = done + 1", "of its slices are done"),
        ("UPDATE jobs SET waiting = 3", "of its slices are waiting"),
        ("UPDATE jobs SET out = 0", "of its slices are out"),
        ("UPDATE jobs SET total = 4 WHERE total = 3", "is finished with 3 results of 4"),
        ("UPDATE slices SET length = 1000", "bytes, and"),
        (f"UPDATE jobs SET submission = '{'0' * 64}'", "is missing"),
    ],
)
def test_what_is_wrong_is_told(run, tmp_path: Path, statement: str, finding: str) -> None:
    found = audited(run, tmp_path, statement)
    assert not found["ok"]
    assert any(finding in text for text in found["wrong"]), found["wrong"]


def test_gifts_to_a_job_are_nothing_wrong(run, tmp_path: Path) -> None:
    """Anybody may pay into the account of a job; its owner gets it at the end."""

    async def main() -> None:
        database = opened(tmp_path)
        try:
            office = Office(database)
            await database.write(keep_books)
            jobs = await perform(office, "job.list", {"status": "active"})
            await database.write(lambda each: ledger.deposit(each, jobs[0]["job"], 3 * ATTO))
            assert (await perform(office, "account.show", {"address": jobs[0]["job"]}))["balance"] == "5"
            assert (await perform(office, "audit", {}))["wrong"] == []
            await perform(office, "job.cancel", {"job": jobs[0]["id"]})
            assert (await perform(office, "audit", {}))["wrong"] == []
            payer = await perform(office, "account.show", {"address": f"0x{'2' * 40}"})
            assert payer["balance"] == str(100 - 3 * 0.5 - 2 * 0.5 + 3)
        finally:
            database.close()

    run(main())
