"""Jobs in a database without their clients and workers: submitted, handed out and answered by the same operations."""

from __future__ import annotations

from pathlib import Path

from dcp_scheduler.groups import groups
from dcp_scheduler.jobs import acceptance, deployment, handing
from dcp_scheduler.jobs.records import find
from dcp_scheduler.ledger import ledger
from dcp_scheduler.model.measured import Measured, Rates
from dcp_scheduler.model.submission import Offer, Submission, Worktime
from dcp_scheduler.model.work_request import FetchState, SliceResult, WorkRequest
from dcp_scheduler.store.amount import ATTO
from dcp_scheduler.store.database import Database
from dcp_scheduler.store.transaction import Transaction

CLIENT, PAYER, WORKER, PAYEE = (f"0x{digit * 40}" for digit in "1234")
FINISHED, RUNNING = "finished" + "0" * 14, "running" + "0" * 15


def opened(folder: Path) -> Database:
    folder.mkdir(exist_ok=True)
    return Database(f"sqlite:///{folder / 'scheduler.db'}", folder / "contents")


def keep_books(transaction: Transaction) -> None:
    """One job of three slices that is finished and paid, one of ten of which four are out and two are done."""
    groups.ensure_public(transaction)
    ledger.deposit(transaction, PAYER, 100 * ATTO)
    for name, slices, out, done in ((FINISHED, 3, 3, 3), (RUNNING, 10, 6, 2)):
        deployment.submit(transaction, _submission(name, slices))
        job = find(transaction.connection, name)
        request = WorkRequest(dialect=5, worker="w", owner=WORKER, session="s", state=FetchState.NORMAL, payee=PAYEE)
        for number in handing.hand_out(transaction, job, out, request)[:done]:
            result = SliceResult("w", WORKER, name, number, PAYEE, "data:,1", Measured(cpu=1000.0))
            acceptance.accept(transaction, [result], Rates())


def _submission(name: str, slices: int) -> Submission:
    return Submission(
        id=name, dialect=5, owner=CLIENT, payer=PAYER, code="data:,x", arguments=[], slices=slices,
        worktime=Worktime("map-basic", "^1.0.0"), offer=Offer(absolute=ATTO // 2), name=f"{name} \x1b[31m job",
        inputs={"start": 1, "end": slices, "step": 1},
    )  # fmt: skip
